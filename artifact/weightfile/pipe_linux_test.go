package weightfile_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
)

// Opening a pipe would wait for its writer; closing it again would stop the writer.
func TestAPipeIsNeverOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.pth")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	unnamed := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(unnamed, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool, 1)
	go func() {
		if weightfile.IsWeights(unnamed) {
			t.Error("IsWeights takes a pipe for weights")
		}
		if _, err := weightfile.Open(path); err == nil || !strings.Contains(err.Error(), "a pipe or device") {
			t.Errorf("Open: %v", err)
		}
		done <- true
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("the pipe was opened")
	}
}
