package faults_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// needles returns samples of 16 bytes of all models' plain weights.
func needles(t *testing.T, w *world) [][]byte {
	t.Helper()
	var all [][]byte
	for _, model := range w.files.Models {
		b, err := os.ReadFile(filepath.Join(w.files.Weights, model+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			at := len(b)/50*(i+5) + i
			all = append(all, b[at:at+16])
		}
	}
	return all
}

// noPlaintext searches every file that the program opens or writes for plain weights,
// as long as the run takes.
func noPlaintext(t *testing.T, w *world) string {
	s := w.stage(t)
	secrets := needles(t, w)
	seen, others, looks := map[string]bool{}, map[string]bool{}, 0
	look := func(name, path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			return // it no longer exists
		}
		looks++
		for _, n := range secrets {
			if bytes.Contains(b, n) {
				t.Errorf("%s holds plain weights", name)
				return
			}
		}
	}
	begin := time.Now()
	cmd, stderr := s.start(t, w.program, "--predictions", ".")
	fds := fmt.Sprintf("/proc/%d/fd/", cmd.Process.Pid)
	if _, err := os.ReadDir(fds); err != nil {
		t.Skipf("open files can't be seen here: %v", err)
	}
	done := make(chan result, 1)
	go func() { done <- s.wait(t, begin, cmd, stderr) }()
	var r result
	for running := true; running; {
		select {
		case r = <-done:
			running = false
		case <-time.After(2 * time.Millisecond):
		}
		entries, _ := os.ReadDir(fds)
		for _, e := range entries {
			target, err := os.Readlink(fds + e.Name())
			if err != nil {
				continue
			}
			seen[target] = true
			switch name := strings.TrimSuffix(target, " (deleted)"); {
			case strings.HasPrefix(name, s.path("input")+"/"): // read-only, encrypted
			case strings.HasPrefix(name, s.root+"/"), strings.HasPrefix(name, "/memfd:"):
				look(target, fds+e.Name())
			case strings.HasPrefix(name, "/proc/"), strings.HasPrefix(name, "/sys/"), name == "/dev/null",
				strings.HasPrefix(name, "pipe:"), strings.HasPrefix(name, "anon_inode:"), strings.HasPrefix(name, "socket:"):
			default:
				others[target] = true
			}
		}
	}
	s.same(t, r)
	for _, path := range openHere() {
		delete(others, path) // inherited
	}
	for path := range others {
		t.Errorf("the program had %s open", path)
	}
	for _, dir := range []string{"working", "scratch", "tmp", "cache"} {
		_ = filepath.WalkDir(s.path(dir), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				look(path, path)
			}
			return nil
		})
	}
	// Check the check: the plain file has the needles.
	b, err := os.ReadFile(filepath.Join(w.files.Weights, w.files.Models[0]+".safetensors"))
	if err != nil || !bytes.Contains(b, secrets[0]) || len(seen) == 0 {
		t.Errorf("the check finds no plain weights in a plain file: %v", err)
	}
	return fmt.Sprintf("%d looks into %d files", looks, len(seen))
}

// openHere lists the files that this process has open.
func openHere() []string {
	var all []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all = append(all, target)
		}
	}
	return all
}
