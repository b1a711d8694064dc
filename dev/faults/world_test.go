package faults_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/internal/nocode"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// images is the number of images of a run, which takes about a second.
const images = 80

// world is the demo's ensemble, deployed once for all tests.
type world struct {
	files    demodata.Files
	key      crypt.Key
	folder   string        // the deployed folder
	program  string        // an executable copy of kernel.bin
	want     []byte        // the submission of an undisturbed run
	took     time.Duration // the time of such a run
	ids      []string
	manifest *folder.Manifest
}

// deployed makes the demo's files in dir and deploys them.
func deployed(dir string, o demodata.Options) (*world, error) {
	w := &world{folder: filepath.Join(dir, "deploy"), program: filepath.Join(dir, "kernel")}
	var err error
	if w.files, err = demodata.Write(dir, o); err != nil {
		return w, err
	}
	if w.key, err = crypt.NewKey(); err != nil {
		return w, err
	}
	w.manifest, err = deploy.Deploy(context.Background(), deploy.Options{
		Ensemble: w.files.Ensemble, Output: w.folder, Owner: "you", Key: w.key,
		Plan: plan.Options{Weights: []string{w.files.Weights}, Cuts: true}, Budget: 9 * time.Hour,
	})
	if err != nil {
		return w, err
	}
	program, err := os.ReadFile(filepath.Join(w.folder, "program", folder.ProgramName))
	if err != nil {
		return w, err
	}
	return w, os.WriteFile(w.program, program, 0o755)
}

var shared = sync.OnceValues(func() (*world, error) {
	dir, err := os.MkdirTemp("", "faults-*")
	if err != nil {
		return nil, err
	}
	return deployed(dir, demodata.Options{Images: images})
})

func TestMain(m *testing.M) {
	nocode.Main()
	status := m.Run()
	if w, err := shared(); w != nil && errors.Join(err) == nil {
		os.RemoveAll(filepath.Dir(w.folder))
	}
	os.Exit(status)
}

// theWorld returns the world with the submission of an undisturbed run.
func theWorld(t *testing.T) *world {
	t.Helper()
	w, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	if w.want == nil {
		w.undisturbed(t, images)
	}
	return w
}

// undisturbed sets w.want, w.ids and w.took from runs without a fault. The time is
// the least of three, because the machine may be busy.
func (w *world) undisturbed(t *testing.T, images int) {
	t.Helper()
	var s *stage
	w.took = time.Hour
	for range 3 {
		s = w.stage(t)
		r := s.run(t)
		if r.status != 0 {
			t.Fatalf("undisturbed: status %d\n%s", r.status, r.stderr)
		}
		w.took = min(w.took, r.took)
	}
	w.want = s.submission(t)
	table, err := input.ReadTable("submission.csv", bytes.NewReader(w.want))
	if err != nil || len(table.Rows) != images {
		t.Fatalf("undisturbed: %v\n%s", err, w.want)
	}
	w.ids = table.IDs()
}

// stage is a copy of Kaggle's folders, for one test to damage.
type stage struct {
	w    *world
	root string // holds input, working, scratch, tmp
	env  []string
	args []string
	// command wraps the program in another command; nil runs it directly.
	command func(name string, args ...string) *exec.Cmd
	watch   io.Writer // gets a copy of standard error; may be nil
}

const (
	competition = "input/competitions/shapes"
	weightsDir  = "input/datasets/you/demo-weights"
	programDir  = "input/datasets/you/demo-program"
	firstModel  = weightsDir + "/demo_a_f0_e07_0.6123.safetensors.enc"
)

func (w *world) stage(t *testing.T) *stage {
	t.Helper()
	s := &stage{w: w, root: t.TempDir()}
	for from, to := range map[string]string{
		w.files.Data: competition, filepath.Join(w.folder, "weights"): weightsDir, filepath.Join(w.folder, "program"): programDir,
	} {
		if err := os.CopyFS(s.path(to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"working", "tmp"} {
		if err := os.Mkdir(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *stage) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

func (s *stage) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *stage) write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(s.path(name)); err != nil {
		t.Fatal(err)
	}
}

// result is how a run ended.
type result struct {
	status int
	stderr string
	took   time.Duration
	peak   int64 // bytes, resident
}

// start starts the program, or the script, in the working folder.
func (s *stage) start(t *testing.T, name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	command := exec.Command
	if s.command != nil {
		command = s.command
	}
	cmd := command(name, args...)
	cmd.Dir = s.path("working")
	cmd.Env = append(os.Environ(),
		"DEPLOY_KERNEL_SCRATCH="+s.path("scratch"), "TMPDIR="+s.path("tmp"), "HOME="+s.root, "XDG_CACHE_HOME="+s.path("cache"),
		"DEPLOY_KERNEL_KEY=")
	cmd.Env = append(cmd.Env, s.env...)
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	if s.watch != nil {
		cmd.Stderr = io.MultiWriter(stderr, s.watch)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stderr
}

// run runs the program to its end.
func (s *stage) run(t *testing.T) result {
	t.Helper()
	begin := time.Now()
	cmd, stderr := s.start(t, s.w.program, s.args...)
	return s.wait(t, begin, cmd, stderr)
}

// untilWritten waits until the first fold's submission exists.
func (s *stage) untilWritten() {
	for range 6000 {
		if _, err := os.Stat(s.path("working/submission.csv")); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// script runs kernel.py.
func (s *stage) script(t *testing.T) result {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here, so the script can't be run")
	}
	py, err := os.ReadFile(filepath.Join(s.w.folder, folder.KernelPy))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "working/kernel.py", py)
	defer s.remove(t, "working/kernel.py")
	begin := time.Now()
	cmd, stderr := s.start(t, python, append([]string{"kernel.py"}, s.args...)...)
	return s.wait(t, begin, cmd, stderr)
}

func (s *stage) wait(t *testing.T, begin time.Time, cmd *exec.Cmd, stderr *bytes.Buffer) result {
	t.Helper()
	peak := sandbox.Watch(cmd.Process.Pid)
	_ = cmd.Wait()
	r := result{status: cmd.ProcessState.ExitCode(), stderr: stderr.String(), took: time.Since(begin), peak: peak()}
	if strings.Contains(r.stderr, s.w.key.Text()[20:40]) {
		t.Error("the key was printed")
	}
	if strings.Contains(r.stderr, "goroutine ") {
		t.Errorf("it crashed:\n%s", r.stderr)
	}
	for _, dir := range []string{"working", "tmp"} {
		entries, err := os.ReadDir(s.path(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".tmp") && r.status >= 0 && r.status != 137 {
				t.Errorf("half-written: %s/%s", dir, e.Name())
			}
		}
	}
	return r
}

func (s *stage) submission(t *testing.T) []byte {
	t.Helper()
	return s.read(t, "working/submission.csv")
}

// valid fails the test unless the submission has the sample's ids in order and
// labels of existing classes. It returns the rows.
func (s *stage) valid(t *testing.T, ids []string) []input.Row {
	t.Helper()
	table, err := input.ReadTable("submission.csv", bytes.NewReader(s.submission(t)))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(table.IDs(), " ") != strings.Join(ids, " ") {
		t.Fatalf("the ids are %q", table.IDs())
	}
	for i := range table.Rows {
		if _, err := table.Classes(i, len(demodata.Classes)); err != nil {
			t.Fatal(err)
		}
	}
	return table.Rows
}

// none fails the test if the working folder is not empty.
func (s *stage) none(t *testing.T) {
	t.Helper()
	if entries, err := os.ReadDir(s.path("working")); err != nil || len(entries) > 0 {
		t.Errorf("something was written: %v %v", entries, err)
	}
}

// same fails the test unless the run succeeded with the undisturbed submission.
func (s *stage) same(t *testing.T, r result) {
	t.Helper()
	if r.status != 0 || !bytes.Equal(s.submission(t), s.w.want) {
		t.Errorf("status %d, or another submission than that of an undisturbed run\n%s", r.status, r.stderr)
	}
}

// refused fails the test unless the run ended with status 1, no submission, and a
// line that contains all texts.
func (s *stage) refused(t *testing.T, r result, texts ...string) {
	t.Helper()
	s.none(t)
	if r.status != 1 {
		t.Errorf("status %d", r.status)
	}
	for line := range strings.Lines(r.stderr) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			return
		}
	}
	t.Errorf("no line has %q:\n%s", texts, r.stderr)
}
