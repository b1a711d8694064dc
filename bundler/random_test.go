package bundler_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/deploy-kernel/deploy-kernel/dev/randprog"
	"github.com/google/go-cmp/cmp"
)

// randomBatch is the number of random programs in a module, and so in a bundle. They
// declare different objects with the same names.
const randomBatch = 50

// TestRandomProgramsDoTheSameInABundle runs 100 programs, or 10,000 in the long tests.
// RANDOM=FIRST,COUNT selects others.
func TestRandomProgramsDoTheSameInABundle(t *testing.T) {
	first, n := 0, 100
	if os.Getenv("DEPLOY_KERNEL_LONG") == "1" {
		n = 10000
	}
	if a, b, ok := strings.Cut(os.Getenv("RANDOM"), ","); ok {
		first, _ = strconv.Atoi(a)
		n, _ = strconv.Atoi(b)
	}
	for at := 0; at < n; at += randomBatch {
		seeds := randprog.Seeds(first+at, min(randomBatch, n-at))
		t.Run(fmt.Sprint(seeds[0]), func(t *testing.T) {
			checkRandom(t, seeds)
		})
	}
}

func checkRandom(t *testing.T, seeds []int) {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("RANDOM_DIR"); keep != "" {
		dir = keep
	}
	files := randprog.Module(seeds)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Without inlining, the compiler takes a third of the time.
	goBuild(t, dir, []string{"GOFLAGS=-gcflags=example.com/...=-l"}, "-o", "program", ".")
	res, err := bundler.Bundle(context.Background(), bundler.Options{Dir: dir, Env: []string{"GOWORK=off"}})
	if err != nil {
		t.Fatal(message(err))
	}
	want := output(t, dir, filepath.Join(dir, "program"))
	got := output(t, dir, buildAlone(t, res.Source, []string{"GOFLAGS=-mod=mod -gcflags=-l"}))
	if want != got {
		t.Errorf("program and bundle (the first word of a line is the seed):\n%.4000s", cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
	}
	if !strings.HasSuffix(got, "exit status 0\n") {
		t.Errorf("the programs end with %.2000s", got[max(0, len(got)-2000):])
	}
}
