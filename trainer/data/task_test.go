package data_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
)

// The target of a row is what a perfect network answers.
func TestTargetsOfEveryTask(t *testing.T) {
	for name, c := range map[string]struct {
		table, says string
		options     labeltable.Options
		want        []float32 // of the second row
	}{
		"multilabel": {"id,l\ni00,0\ni01,0 2\n", "0 2", labeltable.Options{Classes: 3}, []float32{1, 0, 1}},
		"names":      {"id,l\ni00,cat\ni01,dog\n", "dog", labeltable.Options{Task: task.Multiclass}, []float32{0, 1}},
		"regression": {"id,l\ni00,3\ni01,-1.25\n", "-1.25", labeltable.Options{Task: task.Regression, Classes: 1}, []float32{-1.25}},
		"ordinal":    {"id,l\ni00,0\ni01,2\n", "2", labeltable.Options{Task: task.Ordinal, Classes: 4}, []float32{1, 1, 0}},
	} {
		dir, s := write(t, 2)
		put(t, filepath.Join(dir, "train.csv"), c.table)
		s.Labels = c.options
		set, err := data.Open(t.Context(), s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := make([]float32, set.Logits())
		set.Target(1, got)
		if !slices.Equal(got, c.want) || set.Describe(got) != c.says {
			t.Errorf("%s: %v, %q; want %v, %q", name, got, set.Describe(got), c.want, c.says)
		}
		truth := set.Truth([]int{1, 0})
		if truth.Len() != 2 || truth.Task != c.options.Task || truth.Classes != set.Classes {
			t.Errorf("%s: the truth is %+v", name, truth)
		}
		stream := data.NewLoader(set, []int{0, 1}, data.Options{Batch: 2, Pre: options(t, 1).Pre}).Start(t.Context(), 0, 0)
		b, err := stream.Next()
		if err != nil || !slices.Equal(b.Labels[len(c.want):], c.want) {
			t.Errorf("%s: a batch has the labels %v (%v)", name, b.Labels, err)
		}
		stream.Close()
	}
}
