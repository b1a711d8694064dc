// Package simulate runs a deployed folder as Kaggle would, and reports what would fail
// there.
//
//	report, err := simulate.Run(ctx, simulate.Options{Folder: "deploy", Data: "data", Stderr: os.Stderr})
//	fmt.Println(report.Problems)
//
// The datasets and the competition's data are mounted in Kaggle's layout, read-only and
// not executable. python3 starts kernel.py in an empty working folder, without network,
// under limits of cores, memory and time. The report lists the restrictions that this
// system does not allow (see package sandbox).
//
// Files that differ from the manifest are problems. So is everything in the submission
// that a strict grader would refuse.
//
// The package refuses data whose sample submission has another form than the kernel's.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/internal/procgroup"
	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// Options say what to run and under which limits.
type Options struct {
	Folder string // the deployed folder
	Data   string // the competition's data: images and sample submission
	Output string // a folder to copy the kernel's output to; "" for none
	// Limit is the competition's time limit, from which the kernel's budget follows. 0
	// means the limit of the manifest, else DefaultLimit, and the kernel's own budget.
	Limit  time.Duration
	Memory int64 // bytes; 0 means DefaultMemory
	Cores  int   // 0 means DefaultCores
	// Final simulates the hidden run of a submission.
	Final bool
	// Key is the text of the key, for a kernel that reads it from the environment.
	Key    string
	Stderr io.Writer // the kernel's standard error; nil discards it
}

// The limits of Kaggle's sessions without accelerator.
const (
	DefaultLimit  = 9 * time.Hour
	DefaultMemory = 30_000_000_000
	DefaultCores  = 4
	maxWorking    = 20_000_000_000
)

// Report describes a run.
type Report struct {
	Status int           // exit status of kernel.py
	Took   time.Duration // from the start of kernel.py to its end
	Peak   int64         // largest resident memory of one process, in bytes
	Limit  time.Duration // the time limit of the run
	Memory int64         // the memory limit, in bytes
	Cores  int           // the limit of cores
	Files  []File        // in the working folder
	Answer input.Answer  // of the submission
	Rows   int           // of the submission
	Given  int           // rows with an answer
	// Lacks lists the restrictions that this system does not allow.
	Lacks []string
	// Problems lists what would fail on Kaggle, a line each.
	Problems []string
}

// File is a file that the kernel wrote.
type File struct {
	Name string
	Size int64
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Run runs the folder. It returns an error only if there was no run to report on.
func Run(ctx context.Context, o Options) (*Report, error) {
	m, err := folder.Read(o.Folder)
	if err != nil {
		return nil, hint.New(err, "`deploy-kernel infer` makes one")
	}
	if m.Kernel == "" {
		return nil, fmt.Errorf("%s holds datasets only, no kernel", o.Folder)
	}
	if info, err := os.Stat(o.Data); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the competition's data: %s is not a folder", o.Data)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, hint.New(err, "Kaggle starts kernel.py by python3")
	}
	r := &Report{Limit: o.Limit, Memory: o.Memory, Cores: o.Cores}
	if r.Limit == 0 {
		r.Limit = m.Limit()
	}
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	if r.Memory == 0 {
		r.Memory = DefaultMemory
	}
	if r.Cores == 0 {
		r.Cores = DefaultCores
	}
	rules, err := m.SampleRules()
	if err != nil {
		return nil, err
	}
	sample, err := readSample(ctx, m, rules, o.Data)
	if err != nil {
		return nil, err
	}
	if err := r.checkFolder(ctx, o.Folder, m); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "deploy-kernel-simulate-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	s := &session{options: o, manifest: m, report: r, root: root, python: python, rules: rules, sample: sample}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return r, s.inspect()
}

// session is the state of one Run.
type session struct {
	options  Options
	manifest *folder.Manifest
	report   *Report
	root     string // temporary; holds the folder kaggle
	python   string
	rules    input.SampleRules
	sample   *input.Sample // the sample submission, nil if the data have none
}

func (s *session) working() string { return filepath.Join(s.root, "kaggle", "working") }

// mounts lists the folders to mount, in Kaggle's layout of 2026.
func (s *session) mounts() []sandbox.Bind {
	inputs := filepath.Join(s.root, "kaggle", "input")
	competition := "competition"
	if len(s.manifest.Competitions) > 0 {
		competition = s.manifest.Competitions[0]
	}
	binds := []sandbox.Bind{{From: s.options.Data, To: filepath.Join(inputs, "competitions", competition), ReadOnly: true}}
	for _, d := range s.manifest.Datasets {
		binds = append(binds, sandbox.Bind{
			From: filepath.Join(s.options.Folder, d.Folder), To: filepath.Join(inputs, "datasets", filepath.FromSlash(d.ID)), ReadOnly: true,
		})
	}
	return binds
}

// prepare makes the folders and the sandbox. If nothing can be mounted, it makes
// symbolic links.
func (s *session) prepare() (*sandbox.Sandbox, error) {
	binds := s.mounts()
	for _, dir := range append([]string{s.working(), filepath.Join(s.root, "tmp"), filepath.Join(s.root, "home")}, targets(binds)...) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	script, err := os.ReadFile(filepath.Join(s.options.Folder, folder.KernelPy))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.root, folder.KernelPy), script, 0o644); err != nil {
		return nil, err
	}
	o := sandbox.Options{NoNetwork: true, Binds: binds, Cores: s.report.Cores, Memory: s.report.Memory}
	box := sandbox.New(o)
	if !mounted(box, binds) {
		if err := box.Close(); err != nil {
			return nil, err
		}
		o.Binds = nil
		box = sandbox.New(o)
		box.Lacks = append(box.Lacks, "a read-only input")
		for _, b := range binds {
			from, err := filepath.Abs(b.From)
			if err != nil {
				return nil, err
			}
			if err := errors.Join(os.Remove(b.To), os.Symlink(from, b.To)); err != nil {
				return nil, err
			}
		}
	}
	s.report.Lacks = box.Lacks
	return box, nil
}

func targets(binds []sandbox.Bind) []string {
	var all []string
	for _, b := range binds {
		all = append(all, b.To)
	}
	return all
}

// mounted reports whether the sandbox mounts all folders.
func mounted(box *sandbox.Sandbox, binds []sandbox.Bind) bool {
	for _, b := range binds {
		for _, lack := range box.Lacks {
			if strings.HasPrefix(lack, b.From+" at ") {
				return false
			}
		}
	}
	return true
}

// run runs kernel.py to its end or the time limit.
func (s *session) run(ctx context.Context) error {
	box, err := s.prepare()
	if err != nil {
		return err
	}
	defer box.Close()
	limited, cancel := context.WithTimeout(ctx, s.report.Limit)
	defer cancel()
	cmd := box.Command(limited, s.python, filepath.Join(s.root, folder.KernelPy))
	cmd.Dir, cmd.Env, cmd.Stderr = s.working(), s.environment(), s.options.Stderr
	// All processes of the kernel get its signals. After SIGTERM they have time to end.
	procgroup.Set(cmd)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	start := time.Now()
	if err = cmd.Start(); err == nil {
		peak := sandbox.Watch(cmd.Process.Pid)
		err = cmd.Wait()
		s.report.Peak = peak()
	}
	s.report.Took = time.Since(start)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cmd.ProcessState == nil {
		return fmt.Errorf("starting %s: %w", s.python, err)
	}
	s.report.Status = cmd.ProcessState.ExitCode()
	if limited.Err() != nil {
		s.report.problem("it was still running at the time limit of %s", s.report.Limit)
	} else if s.report.Status != 0 {
		s.report.problem("it ended with status %d: Kaggle takes no submission from it", s.report.Status)
	}
	return nil
}

// environment returns a small environment without Go.
func (s *session) environment() []string {
	env := []string{
		"PATH=" + withoutGo(os.Getenv("PATH")), "HOME=" + filepath.Join(s.root, "home"), "TMPDIR=" + filepath.Join(s.root, "tmp"),
		"LANG=C.UTF-8", "KAGGLE_KERNEL_RUN_TYPE=Batch",
	}
	if s.options.Limit > 0 {
		env = append(env, "DEPLOY_KERNEL_BUDGET="+deploy.Budget(s.options.Limit).String())
	}
	if s.options.Final {
		env = append(env, "KAGGLE_IS_COMPETITION_RERUN=1")
	}
	if s.options.Key != "" && s.manifest.KeyIn == folder.InEnvironment.String() {
		env = append(env, "DEPLOY_KERNEL_KEY="+s.options.Key)
	}
	return env
}

// withoutGo returns a PATH without the folders that hold a go command.
func withoutGo(list string) string {
	var keep []string
	for _, dir := range filepath.SplitList(list) {
		if _, err := os.Stat(filepath.Join(dir, "go")); err != nil {
			keep = append(keep, dir)
		}
	}
	return strings.Join(keep, string(filepath.ListSeparator))
}

// inspect reports on the files in the working folder, and copies them to Output.
func (s *session) inspect() error {
	var total int64
	err := filepath.WalkDir(s.working(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.working(), name)
		s.report.Files = append(s.report.Files, File{path.Clean(filepath.ToSlash(rel)), info.Size()})
		total += info.Size()
		return err
	})
	if err != nil {
		return err
	}
	if total > maxWorking {
		s.report.problem("it wrote %s; the working folder has %s", say.Size(total), say.Size(maxWorking))
	}
	if err := s.checkSubmission(); err != nil {
		return err
	}
	if s.options.Output == "" {
		return nil
	}
	for _, f := range s.report.Files {
		b, err := os.ReadFile(filepath.Join(s.working(), filepath.FromSlash(f.Name)))
		if err != nil {
			return err
		}
		to := filepath.Join(s.options.Output, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
