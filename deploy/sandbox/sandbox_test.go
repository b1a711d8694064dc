package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
)

func TestReadOnlyFoldersCanBeReadAndNotWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	box := sandbox.New(sandbox.Options{ReadOnly: []string{dir}})
	if len(box.Lacks) > 0 {
		t.Skipf("not allowed here: %v", box.Lacks)
	}
	if out, err := box.Command(t.Context(), "cat", filepath.Join(dir, "a")).Output(); err != nil || string(out) != "text" {
		t.Errorf("read %q, %v", out, err)
	}
	if err := box.Command(t.Context(), "touch", filepath.Join(dir, "b")).Run(); err == nil {
		t.Error("it was written")
	}
}

func TestWithoutNetworkThereAreNoRoutes(t *testing.T) {
	box := sandbox.New(sandbox.Options{NoNetwork: true})
	if len(box.Lacks) > 0 {
		t.Skipf("not allowed here: %v", box.Lacks)
	}
	out, err := box.Command(t.Context(), "cat", "/proc/net/route").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1; countLines(out) > want {
		t.Errorf("there are routes:\n%s", out)
	}
}

func countLines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

func TestABindShowsTheOtherFolder(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "a"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	box := sandbox.New(sandbox.Options{Binds: []sandbox.Bind{{From: from, To: to}}, ReadOnly: []string{to}})
	if len(box.Lacks) > 0 {
		t.Skipf("not allowed here: %v", box.Lacks)
	}
	if out, err := box.Command(t.Context(), "cat", filepath.Join(to, "a")).Output(); err != nil || string(out) != "text" {
		t.Errorf("read %q, %v", out, err)
	}
	if err := box.Command(t.Context(), "touch", filepath.Join(to, "b")).Run(); err == nil {
		t.Error("it was written")
	}
}

func TestACommandHasFewCoresAndLittleMemory(t *testing.T) {
	box := sandbox.New(sandbox.Options{NoNetwork: true, Cores: 1, Memory: 200e6})
	defer func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}()
	if len(box.Lacks) > 0 {
		t.Skipf("this system does not allow: %v", box.Lacks)
	}
	out, err := box.Command(t.Context(), "sh", "-c", "nproc; head -c 20000000 /dev/zero | tail -c 20000000 | wc -c").CombinedOutput()
	if err != nil || string(out) != "1\n20000000\n" {
		t.Errorf("%v: %s", err, out)
	}
	if n, ok := box.PeakMemory(); !ok || n < 20e6 || n > 200e6 {
		t.Errorf("peak memory %d (known: %v)", n, ok)
	}
	if err := box.Command(t.Context(), "sh", "-c", "head -c 400000000 /dev/zero | tail -c 400000000 >/dev/null; exit $?").Run(); err == nil {
		t.Error("a command took twice the memory that it may have")
	}
}

func TestThePeakIncludesChildrenButNotTheParent(t *testing.T) {
	large := make([]byte, 300<<20) // of this process
	for i := range large {
		large[i] = 1
	}
	cmd := exec.Command("sh", "-c", "(head -c 60000000 /dev/zero; sleep 0.5) | tail -c 60000000 >/dev/null; exit 0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sandbox.Watch(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if peak := stop(); peak > 0 && (peak < 60e6 || peak > 100e6) {
		t.Errorf("%d MB of 60", peak/1e6)
	}
	runtime.KeepAlive(large)
}
