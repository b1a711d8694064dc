package weightfile_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/weightfile"
)

// Opening a pipe to look into it would block, or break its writer.
func TestAPipeIsNotOpenedToLookIntoIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool, 1)
	go func() { done <- weightfile.IsWeights(path) }()
	select {
	case weights := <-done:
		if weights {
			t.Error("a pipe is said to hold weights")
		}
	case <-time.After(10 * time.Second):
		t.Error("the pipe was opened")
	}
}
