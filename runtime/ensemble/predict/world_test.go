package predict_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// world is an input root with images, a sample and the weights of a plan.
type world struct{ ensembletest.World }

func newWorld(t testing.TB, n int) *world {
	t.Helper()
	return &world{*ensembletest.New(t, n)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// options returns the options of a run that writes into dir.
func (w *world) options(dir string) predict.Options {
	return predict.Options{
		Archs: []arch.Arch{ensembletest.Tiny}, Operations: engine.Operations(), Formats: formats.All(), Key: &w.Key, Input: w.Root,
		Output: filepath.Join(dir, "submission.csv"), Threads: 2, Batch: 4,
	}
}

// predict runs the plan and returns the submission as text.
func (w *world) predict(t testing.TB, change func(*predict.Options)) (string, predict.Summary) {
	t.Helper()
	o := w.options(t.TempDir())
	if change != nil {
		change(&o)
	}
	s, err := predict.Run(context.Background(), w.Plan, o)
	must(t, err)
	return read(t, o.Output), s
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// labels returns the labels of a submission. The test fails if its ids are not the world's.
func (w *world) labels(t testing.TB, submission string) []string {
	t.Helper()
	table, err := input.ReadTable("submission.csv", strings.NewReader(submission))
	must(t, err)
	if got := table.IDs(); strings.Join(got, " ") != strings.Join(w.IDs, " ") {
		t.Fatalf("the ids are %q", got)
	}
	var list []string
	for i, row := range table.Rows {
		if _, err := table.Classes(i, ensembletest.Classes); err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Labels)
	}
	return list
}
