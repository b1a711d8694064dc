package templates_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/templates"
)

// source is a kernel that prints its arguments, and ends with status 7 if the first one is
// --fail.
const source = `package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println("built:", strings.Join(os.Args[1:], " "))
	if len(os.Args) > 1 && os.Args[1] == "--fail" {
		os.Exit(7)
	}
}
`

// program replaces the binary built from source.
const program = `#!/bin/sh
echo "program: $*"
echo "to stderr" >&2
case "$1" in
--fail) exit 7 ;;
--die) kill -KILL $$ ;;
--once) [ -e died ] || { touch died; kill -KILL $$; }; echo "$DEPLOY_KERNEL_THREADS $DEPLOY_KERNEL_ELAPSED" ;;
--half) echo id >submission.csv; exit 1 ;;
--wait) trap 'echo terminated; exit 130' TERM; echo waiting; while :; do sleep 0.05; done ;;
esac
`

// layouts lists the folders where Kaggle mounts a dataset: before 2026, since then, and
// as a model.
var layouts = map[string]string{
	"by slug":     "input/best-program",
	"by owner":    "input/datasets/you/best-program",
	"as a model":  "input/best-program/other/default/1",
	"in a subdir": "input/best-program/unpacked",
}

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here, so the launcher can't be run")
	}
	return path
}

func launcher() templates.Launcher {
	sum := sha256.Sum256([]byte(program))
	return templates.Launcher{
		Title: "best", Program: "kernel.bin", Dataset: "you/best-program",
		SHA256: hex.EncodeToString(sum[:]), Size: int64(len(program)),
		Source: []byte(source), GoVersion: "1.26",
	}
}

// kaggle makes Kaggle's folders with many images, and returns the working folder, which
// holds kernel.py.
func kaggle(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	py, err := launcher().Python()
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(root, "working", "kernel.py"), string(py))
	for i := range 1500 {
		put(t, filepath.Join(root, "input", "competitions", "imet", "test", fmt.Sprintf("%04d.png", i)), "")
	}
	return filepath.Join(root, "working")
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o444); err != nil {
		t.Fatal(err)
	}
}

// result is the outcome of a launcher.
type result struct {
	status         int
	stdout, stderr string
}

func launch(t *testing.T, dir string, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(python(t), append([]string{"kernel.py"}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (r result) expect(t *testing.T, status int, stdout, stderr string) {
	t.Helper()
	if r.status != status || r.stdout != stdout || !strings.Contains(r.stderr, stderr) {
		t.Errorf("status %d, stdout %q, stderr %q; want %d, %q and in stderr %q", r.status, r.stdout, r.stderr, status, stdout, stderr)
	}
}

func TestTheProgramIsFoundInEveryMountLayout(t *testing.T) {
	for name, folder := range layouts {
		t.Run(name, func(t *testing.T) {
			dir := kaggle(t)
			put(t, filepath.Join(dir, "..", folder, "kernel.bin"), program)
			launch(t, dir, nil, "--limit", "2").expect(t, 0, "program: --limit 2\n", "to stderr\n")
			launch(t, dir, nil, "--fail").expect(t, 7, "program: --fail\n", "")
		})
	}
}

func TestARenamedProgramIsFoundByItsHash(t *testing.T) {
	dir := kaggle(t)
	put(t, filepath.Join(dir, "../input/best-program/kernel (1).bin"), program)
	launch(t, dir, nil).expect(t, 0, "program: \n", "")
}

func TestAnotherProgramOfTheSameNameIsNotRun(t *testing.T) {
	dir := kaggle(t)
	withoutGo(t, dir)
	put(t, filepath.Join(dir, "../input/best-program/kernel.bin"), strings.Replace(program, "program:", "PROGRAM:", 1))
	launch(t, dir, nil).expect(t, 1, "", "kernel.py: ../input/best-program/kernel.bin is not the program that this script was made for")
}

func TestWithoutTheProgramTheScriptBuildsTheSource(t *testing.T) {
	for name, folder := range layouts {
		t.Run(name, func(t *testing.T) {
			dir := kaggle(t)
			put(t, filepath.Join(dir, "..", folder, "other.enc"), "")
			launch(t, dir, nil, "--limit", "2").expect(t, 0, "built: --limit 2\n", "building it with")
		})
	}
	dir := kaggle(t)
	launch(t, dir, nil, "--fail").expect(t, 7, "built: --fail\n", "building it with")
}

func TestWithoutProgramAndGoTheScriptNamesTheDataset(t *testing.T) {
	for name, folder := range layouts {
		t.Run(name, func(t *testing.T) {
			dir := kaggle(t)
			withoutGo(t, dir)
			put(t, filepath.Join(dir, "..", folder, "other.enc"), "")
			launch(t, dir, nil).expect(t, 1, "", "add the dataset you/best-program to the kernel")
		})
	}
}

// withoutGo makes the source need a future version of Go.
func withoutGo(t *testing.T, dir string) {
	t.Helper()
	l := launcher()
	l.GoVersion = "9.99"
	py, err := l.Python()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kernel.py")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(t, path, string(py))
}

func TestSignalsReachTheProgram(t *testing.T) {
	dir := kaggle(t)
	put(t, filepath.Join(dir, "../input/best-program/kernel.bin"), program)
	launch(t, dir, nil, "--die").expect(t, 137, "program: --die\nprogram: --die\n", "ended by SIGKILL")

	cmd := exec.Command(python(t), "kernel.py", "--wait")
	cmd.Dir = dir
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 256)
	for text := ""; !strings.Contains(text, "waiting"); {
		n, err := stdout.Read(b)
		if text += string(b[:n]); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("status %d, want the program's 130", status)
	}
}

func TestAKilledProgramIsRestartedOnce(t *testing.T) {
	dir := kaggle(t)
	put(t, filepath.Join(dir, "../input/best-program/kernel.bin"), program)
	r := launch(t, dir, nil, "--once")
	lines := strings.Split(r.stdout, "\n")
	if r.status != 0 || len(lines) != 4 || !strings.Contains(r.stderr, "starting it again") {
		t.Fatalf("%+v", r)
	}
	threads, elapsed, _ := strings.Cut(lines[2], " ")
	if n, err := strconv.Atoi(threads); err != nil || n < 1 || n > max(1, runtime.NumCPU()/2) {
		t.Errorf("started again with %s threads", threads)
	}
	if d, err := time.ParseDuration(elapsed); err != nil || d < 0 || d > time.Minute {
		t.Errorf("DEPLOY_KERNEL_ELAPSED is %s", elapsed)
	}
}

// Kaggle scores the submission of a final run only if the script succeeds.
func TestAFailureWithASubmissionSucceedsInTheFinalRun(t *testing.T) {
	dir := kaggle(t)
	put(t, filepath.Join(dir, "../input/best-program/kernel.bin"), program)
	final := []string{"KAGGLE_IS_COMPETITION_RERUN=1"}
	launch(t, dir, nil, "--half").expect(t, 1, "program: --half\n", "")
	launch(t, dir, final, "--half").expect(t, 0, "program: --half\n", "submission.csv holds what was predicted until then")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "submission.csv"), old, old); err != nil {
		t.Fatal(err)
	}
	launch(t, dir, final, "--fail").expect(t, 7, "program: --fail\n", "")
}

func TestTheScriptRemovesItsScratchFolder(t *testing.T) {
	dir, tmp := kaggle(t), t.TempDir()
	put(t, filepath.Join(dir, "../input/best-program/kernel.bin"), program)
	launch(t, dir, []string{"TMPDIR=" + tmp}, "--fail").expect(t, 7, "program: --fail\n", "")
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left in scratch: %v (%v)", left, err)
	}
}

func TestTheScriptPrintsItsSource(t *testing.T) {
	launch(t, kaggle(t), nil, "--print-source").expect(t, 0, source, "")
}

func TestAScriptOfAMegabyteIsRefused(t *testing.T) {
	l := launcher()
	l.Source = make([]byte, 0, 1<<20)
	for i := range 1 << 15 { // hashes do not compress
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		l.Source = append(l.Source, sum[:]...)
	}
	if _, err := l.Python(); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("error %v", err)
	}
}
