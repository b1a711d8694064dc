package atomicfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
)

func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

func TestAnUncommittedFileLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := atomicfile.WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("got %q", b)
	}
	only(t, dir, "out")
	if err := f.Commit(); err == nil {
		t.Error("a closed file was committed")
	}
}

func TestCommitReplacesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	for _, text := range []string{"first", "second"} {
		if err := atomicfile.WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != text {
			t.Errorf("got %q", b)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	only(t, dir, "out")
}

func TestErrorsNameThePathOfTheCaller(t *testing.T) {
	dir := t.TempDir()
	_, err := atomicfile.Create(filepath.Join(dir, "no", "out"))
	if want := "creating " + filepath.Join(dir, "no", "out") + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	err = atomicfile.WriteFile(filepath.Join(dir, "taken"), nil)
	if err == nil || strings.Contains(err.Error(), ".tmp") || !strings.Contains(err.Error(), "taken") {
		t.Errorf("got %v", err)
	}
	only(t, dir, "taken")
}
