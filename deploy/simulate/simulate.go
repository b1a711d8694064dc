// Package simulate runs a deployed folder as Kaggle would, and tells what would
// fail there.
//
//	report, err := simulate.Run(ctx, simulate.Options{Folder: "deploy", Data: "data", Stderr: os.Stderr})
//
// The datasets and the competition's data are mounted as Kaggle mounts them,
// read-only and without programs; python3 starts kernel.py in an empty working
// folder, without network, on four cores at most and under the limits of memory
// and time. What the system does not allow (see package sandbox) is done
// without, and the report says so.
//
// It checks the folder against its manifest first: a file that changed since
// fails as it would fail after the upload. A submission is read as the strictest
// grader would.
//
// It refuses data whose sample submission asks for another kind of submission.
package simulate

import (
	"bytes"
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

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"

	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// Options say what to run and under which limits.
type Options struct {
	Folder string // the deployed one
	Data   string // the competition's data: images and sample submission
	Output string // a folder to keep what the kernel wrote; "" for none
	// Limit is the competition's time; the kernel is told a budget that fits.
	// 0 is the limit that the folder was deployed with, else DefaultLimit; the kernel
	// keeps its own budget then.
	Limit  time.Duration
	Memory int64 // bytes; 0 is DefaultMemory
	Cores  int   // 0 is DefaultCores
	// Final runs it as Kaggle's hidden run of a submission.
	Final bool
	// Key is the text of the key, for a kernel that has it from the environment.
	Key    string
	Stderr io.Writer // of the kernel
}

// The limits of Kaggle's sessions without accelerator.
const (
	DefaultLimit  = 9 * time.Hour
	DefaultMemory = 30_000_000_000
	DefaultCores  = 4
	maxWorking    = 20_000_000_000
)

// Report is what a run was.
type Report struct {
	Status int           // exit status of kernel.py
	Took   time.Duration // of it
	Peak   int64         // most memory that a process had resident, in bytes
	Limit  time.Duration
	Memory int64
	Cores  int
	Files  []File // in the working folder
	Rows   int    // of the submission
	Given  int    // rows with a label
	Lacks  []string
	// Problems are what would fail on Kaggle.
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

// Run runs the folder. The error is of what could not be tried at all.
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
	sample, err := readSample(ctx, m, o.Data)
	if err != nil {
		return nil, kindHint(err)
	}
	if err := r.checkFolder(ctx, o.Folder, m); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "deploy-kernel-simulate-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	s := &session{o: o, m: m, r: r, root: root, python: python, sample: sample}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return r, s.inspect()
}

// session is a run on its way.
type session struct {
	o      Options
	m      *folder.Manifest
	r      *Report
	root   string // /kaggle there
	python string
	sample *input.Table // the sample submission, nil where the data have none
}

// kindHint adds a hint to the error of a sample that the user can settle.
func kindHint(err error) error {
	var kind *input.KindError
	if errors.As(err, &kind) && kind.Ambiguous {
		return hint.New(err, "where each field may have several class numbers, deploy it with --submission labels")
	}
	return err
}

func (s *session) working() string { return filepath.Join(s.root, "kaggle", "working") }

// mounts lists the folders to show and where, as Kaggle does since 2026.
func (s *session) mounts() []sandbox.Bind {
	inputs := filepath.Join(s.root, "kaggle", "input")
	competition := "competition"
	if len(s.m.Competitions) > 0 {
		competition = s.m.Competitions[0]
	}
	binds := []sandbox.Bind{{From: s.o.Data, To: filepath.Join(inputs, "competitions", competition), ReadOnly: true}}
	for _, d := range s.m.Datasets {
		binds = append(binds, sandbox.Bind{
			From: filepath.Join(s.o.Folder, d.Folder), To: filepath.Join(inputs, "datasets", filepath.FromSlash(d.ID)), ReadOnly: true,
		})
	}
	return binds
}

// prepare makes the folders and the sandbox.
func (s *session) prepare() (*sandbox.Sandbox, error) {
	binds := s.mounts()
	for _, dir := range append([]string{s.working(), filepath.Join(s.root, "tmp"), filepath.Join(s.root, "home")}, targets(binds)...) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	script, err := os.ReadFile(filepath.Join(s.o.Folder, folder.KernelPy))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.root, folder.KernelPy), script, 0o644); err != nil {
		return nil, err
	}
	o := sandbox.Options{NoNetwork: true, Binds: binds, Cores: s.r.Cores, Memory: s.r.Memory}
	box := sandbox.New(o)
	if !mounted(box, binds) {
		// Links serve where nothing can be mounted.
		if err := box.Close(); err != nil {
			return nil, err
		}
		o.Binds = nil
		box = sandbox.New(o)
		box.Lacks = append(box.Lacks, "an input that can't be written")
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
	s.r.Lacks = box.Lacks
	return box, nil
}

func targets(binds []sandbox.Bind) []string {
	var all []string
	for _, b := range binds {
		all = append(all, b.To)
	}
	return all
}

// mounted reports whether all folders are shown.
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
	limited, cancel := context.WithTimeout(ctx, s.r.Limit)
	defer cancel()
	cmd := box.Command(limited, s.python, filepath.Join(s.root, folder.KernelPy))
	cmd.Dir, cmd.Env, cmd.Stderr = s.working(), s.environment(), s.o.Stderr
	// All processes of the kernel end with it. One that is told has time to end.
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	start := time.Now()
	if err = cmd.Start(); err == nil {
		peak := sandbox.Watch(cmd.Process.Pid)
		err = cmd.Wait()
		s.r.Peak = peak()
	}
	s.r.Took = time.Since(start)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cmd.ProcessState == nil {
		return fmt.Errorf("starting %s: %w", s.python, err)
	}
	s.r.Status = cmd.ProcessState.ExitCode()
	if limited.Err() != nil {
		s.r.problem("it was still running at the time limit of %s", s.r.Limit)
	} else if s.r.Status != 0 {
		s.r.problem("it ended with status %d: Kaggle takes no submission from it", s.r.Status)
	}
	return nil
}

// environment is little, and has no Go.
func (s *session) environment() []string {
	env := []string{
		"PATH=" + withoutGo(os.Getenv("PATH")), "HOME=" + filepath.Join(s.root, "home"), "TMPDIR=" + filepath.Join(s.root, "tmp"),
		"LANG=C.UTF-8", "KAGGLE_KERNEL_RUN_TYPE=Batch",
	}
	if s.o.Limit > 0 {
		env = append(env, "DEPLOY_KERNEL_BUDGET="+deploy.Budget(s.o.Limit).String())
	}
	if s.o.Final {
		env = append(env, "KAGGLE_IS_COMPETITION_RERUN=1")
	}
	if s.o.Key != "" && s.m.KeyIn == folder.InEnvironment.String() {
		env = append(env, "DEPLOY_KERNEL_KEY="+s.o.Key)
	}
	return env
}

func withoutGo(list string) string {
	var keep []string
	for _, dir := range filepath.SplitList(list) {
		if _, err := os.Stat(filepath.Join(dir, "go")); err != nil {
			keep = append(keep, dir)
		}
	}
	return strings.Join(keep, string(filepath.ListSeparator))
}

// inspect looks at what the kernel wrote, and keeps it where that is wanted.
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
		s.r.Files = append(s.r.Files, File{path.Clean(filepath.ToSlash(rel)), info.Size()})
		total += info.Size()
		return err
	})
	if err != nil {
		return err
	}
	if total > maxWorking {
		s.r.problem("it wrote %s; the working folder has %s", say.Size(total), say.Size(maxWorking))
	}
	if err := s.checkSubmission(); err != nil {
		return err
	}
	if s.o.Output == "" {
		return nil
	}
	for _, f := range s.r.Files {
		b, err := os.ReadFile(filepath.Join(s.working(), filepath.FromSlash(f.Name)))
		if err != nil {
			return err
		}
		to := filepath.Join(s.o.Output, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, bytes.Clone(b), 0o644); err != nil {
			return err
		}
	}
	return nil
}
