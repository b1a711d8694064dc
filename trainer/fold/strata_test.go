package fold_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
)

// With one label per row, the counts of a label differ by at most 1, as in scikit-learn's
// StratifiedKFold.
func TestSingleLabelsAreStratified(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	labels := make([][]int, 997)
	for i := range labels {
		labels[i] = []int{int(rng.ExpFloat64() * 2)}
	}
	folds, err := fold.Stratify(labels, fold.Options{Folds: 5, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	if label, size := worst(labels, folds, 5); label >= 1 || size > 3 {
		t.Errorf("a label is off by %v rows, a fold by %v", label, size)
	}
}

func TestGroupsOfSingleLabelsStayTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var labels [][]int
	var groups []string
	for g := range 400 {
		label := rng.IntN(4)
		for range 1 + rng.IntN(6) {
			labels, groups = append(labels, []int{label}), append(groups, fmt.Sprint(g))
		}
	}
	folds, err := fold.Stratify(labels, fold.Options{Folds: 5, Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]uint8{}
	for i, g := range groups {
		if f, ok := of[g]; ok && f != folds[i] {
			t.Fatalf("group %s is in the folds %d and %d", g, f, folds[i])
		}
		of[g] = folds[i]
	}
	if label, size := worst(labels, folds, 5); label > 2 || size > 3 {
		t.Errorf("a label is off by %v rows, a fold by %v", label, size)
	}
}

// Every fold has as many rows of each tenth of the values, and the same mean.
func TestTargetsAreSpreadByTheirQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	values := make([]float32, 2*1000)
	for i := range values {
		values[i] = float32(rng.ExpFloat64())
	}
	labels := fold.Bins(values, 2, 5)
	folds, err := fold.Stratify(labels, fold.Options{Folds: 5})
	if err != nil {
		t.Fatal(err)
	}
	if label, _ := worst(labels, folds, 5); label > 3 {
		t.Errorf("a bin is off by %v rows", label)
	}
	var sums, counts [5]float64
	for i, f := range folds {
		sums[f] += float64(values[2*i])
		counts[f]++
	}
	for f := range sums {
		if mean := sums[f] / counts[f]; mean < 0.9 || mean > 1.15 {
			t.Errorf("fold %d has the mean %v", f, mean)
		}
	}
	if got := fold.Bins([]float32{1, 1, 1, 2}, 1, 2); !slices.EqualFunc(got, [][]int{{0}, {0}, {0}, {1}}, slices.Equal) {
		t.Errorf("equal values are in the bins %v", got)
	}
	if got := fold.Bins([]float32{3, 1}, 1, 5); !slices.EqualFunc(got, [][]int{{0}, {0}}, slices.Equal) {
		t.Errorf("two rows are in the bins %v", got)
	}
}
