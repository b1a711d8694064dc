package datafolder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
)

func put(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFindReturnsTheFirstFolderWithTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("competition", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir("competition")
	find := func(given, want string, names ...string) {
		t.Helper()
		if got, ok := datafolder.Find(given, names...); got != want || ok != (want != "") {
			t.Errorf("Find(%q, %q) = %q, %v; want %q", given, names, got, ok, want)
		}
	}
	find("", "", "train.csv")
	deep := filepath.Join("..", "input", "competitions", "imet", "train.csv")
	put(t, deep)
	find("", deep, "train.csv")
	put(t, "data/train.csv")
	find("", filepath.Join("data", "train.csv"), "train.csv")
	if got := datafolder.OfTest(); got != "" {
		t.Errorf("OfTest() = %q", got)
	}
	put(t, filepath.Join("..", "input", "imet", "sample_submission.csv"))
	if got := datafolder.OfTest(); got != filepath.Join("..", "input") {
		t.Errorf("OfTest() = %q", got)
	}
	put(t, "data/test/a.png")
	if got := datafolder.OfTest(); got != "data" {
		t.Errorf("OfTest() = %q", got)
	}
	put(t, "train.csv")
	find("", "train.csv", "train.csv")
	find("data", filepath.Join("data", "train.csv"), "none.csv", "train.csv")
	find("data", "", "folds.npy") // no folder but the one given
	put(t, "folds.npy")
	find("", "folds.npy", "folds.npy")
	abs, err := filepath.Abs("folds.npy")
	if err != nil {
		t.Fatal(err)
	}
	find("data", abs, abs)
}

func TestOfTestFindsSamplesOfAnyName(t *testing.T) {
	for _, name := range []string{
		"sample_submission.csv", "sampleSubmission.csv", "stage_1_sample_submission.csv", "submission_format.csv", "test.csv", "test/a.png",
	} {
		t.Chdir(t.TempDir())
		put(t, filepath.Join("data", name))
		if got := datafolder.OfTest(); got != "data" {
			t.Errorf("%s: OfTest() = %q", name, got)
		}
	}
	t.Chdir(t.TempDir())
	put(t, "train.csv")
	put(t, "submission.csv")
	put(t, "sample_submission.csv/x")
	if got := datafolder.OfTest(); got != "" {
		t.Errorf("other files: OfTest() = %q", got)
	}
}
