package faults_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/internal/nocode"
)

// Faults of a system that gives the kernel less than it is used to.

// boxed makes the stage run the program in a sandbox.
func boxed(t *testing.T, s *stage, o sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	box := sandbox.New(o)
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if len(box.Lacks) > 0 {
		t.Skipf("this system does not allow: %v", box.Lacks)
	}
	s.command = func(name string, args ...string) *exec.Cmd { return box.Command(t.Context(), name, args...) }
	return box
}

func oneCore(t *testing.T, w *world) string {
	s := w.stage(t)
	boxed(t, s, sandbox.Options{Cores: 1})
	s.same(t, s.run(t))
	return ""
}

func littleMemory(t *testing.T, w *world) string {
	s := w.stage(t)
	boxed(t, s, sandbox.Options{Memory: 512e6})
	r := s.run(t)
	s.same(t, r)
	return fmt.Sprintf("%d MB at most", r.peak/1e6)
}

func littleMemoryAtFullSize(t *testing.T, _ *world) string {
	if !thorough() {
		t.Skip("set DEPLOY_KERNEL_LONG=1 for a network of full size, which takes a minute")
	}
	const images = 16
	w, err := deployed(t.TempDir(), demodata.Options{Images: images, FullSize: true})
	if err != nil {
		t.Fatal(err)
	}
	w.undisturbed(t, images)
	return littleMemory(t, w)
}

// noCode predicts the first images alone, because plain loops are slow.
func noCode(t *testing.T, w *world) string {
	nocode.Need(t)
	s := w.stage(t)
	s.command = nocode.Command
	const lines = 1 + 4
	first := func(table []byte) []byte {
		return bytes.Join(bytes.SplitAfterN(table, []byte("\n"), lines+1)[:lines], nil)
	}
	s.write(t, sample, first(s.read(t, sample)))
	r := s.run(t)
	if r.status != 0 || !bytes.Equal(s.submission(t), first(w.want)) {
		t.Errorf("status %d, or other rows than those of an undisturbed run\n%s", r.status, r.stderr)
	}
	if n := strings.Count(r.stderr, "warning: "); n != 1 || !strings.Contains(r.stderr, "networks run on plain loops") {
		t.Errorf("%d warnings:\n%s", n, r.stderr)
	}
	return ""
}

func readOnly(t *testing.T, w *world) string {
	s := w.stage(t)
	boxed(t, s, sandbox.Options{NoNetwork: true, ReadOnly: []string{s.path("input")}})
	s.same(t, s.run(t))
	return ""
}

func unwritable(t *testing.T, w *world) string {
	s := w.stage(t)
	s.args = []string{"--output", "../input/nowhere/submission.csv"}
	s.refused(t, s.run(t), "kernel: creating ../input/nowhere/submission.csv: no such file or directory")
	return ""
}
