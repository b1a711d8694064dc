package fold_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
)

// uneven returns rows with labels, each half as frequent as the label before, and rows
// without labels.
func uneven(rows int) [][]int {
	rng := rand.New(rand.NewPCG(1, 2))
	labels := make([][]int, rows)
	for i := range labels {
		for c := range 7 {
			if rng.Float64() < 0.6*math.Pow(0.5, float64(c)) {
				labels[i] = append(labels[i], c)
			}
		}
	}
	return labels
}

// worst returns the largest deviation, in rows, of a label's frequency in a fold, and of a
// fold's size.
func worst(labels [][]int, folds []uint8, n int) (label, size float64) {
	count := map[[2]int]float64{}
	total := map[int]float64{}
	sizes := make([]float64, n)
	for i, list := range labels {
		sizes[folds[i]]++
		for _, c := range list {
			count[[2]int{int(folds[i]), c}]++
			total[c]++
		}
	}
	for f := range n {
		size = max(size, math.Abs(sizes[f]-float64(len(labels))/float64(n)))
		for c, all := range total {
			label = max(label, math.Abs(count[[2]int{f, c}]-all/float64(n)))
		}
	}
	return label, size
}

func TestEveryLabelIsAsFrequentInEveryFold(t *testing.T) {
	labels := uneven(2000)
	folds, err := fold.Stratify(labels, fold.Options{Folds: 5})
	if err != nil {
		t.Fatal(err)
	}
	if label, size := worst(labels, folds, 5); label > 2 || size > 20 {
		t.Errorf("a label is off by %v rows, a fold by %v", label, size)
	}
	again, err := fold.Stratify(labels, fold.Options{Folds: 5})
	if err != nil || !slices.Equal(folds, again) {
		t.Errorf("the same call gives other folds (%v)", err)
	}
	other, err := fold.Stratify(labels, fold.Options{Folds: 5, Seed: 1})
	if err != nil || slices.Equal(folds, other) {
		t.Errorf("another seed gives the same folds (%v)", err)
	}
}

func TestALabelWithOneRowPerFoldIsInEveryFold(t *testing.T) {
	labels := uneven(100)
	for _, row := range []int{3, 17, 44, 90} {
		labels[row] = append(labels[row], 99)
	}
	folds, err := fold.Stratify(labels, fold.Options{Folds: 4})
	if err != nil {
		t.Fatal(err)
	}
	seen := []uint8{folds[3], folds[17], folds[44], folds[90]}
	if slices.Sort(seen); !slices.Equal(seen, []uint8{0, 1, 2, 3}) {
		t.Errorf("its rows are in the folds %v", seen)
	}
}

func TestGroupsStayTogether(t *testing.T) {
	labels := uneven(1200)
	groups := make([]string, len(labels))
	for i := range groups {
		groups[i] = fmt.Sprint(i / 3)
	}
	folds, err := fold.Stratify(labels, fold.Options{Folds: 4, Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	for i := range folds {
		if folds[i] != folds[i/3*3] {
			t.Fatalf("rows %d and %d of one group are in folds %d and %d", i/3*3, i, folds[i/3*3], folds[i])
		}
	}
	if label, size := worst(labels, folds, 4); label > 6 || size > 30 {
		t.Errorf("a label is off by %v rows, a fold by %v", label, size)
	}
}

func TestDivisionsThatAreImpossibleAreRefused(t *testing.T) {
	for _, c := range []struct {
		rows int
		o    fold.Options
		want string
	}{
		{10, fold.Options{Folds: 1}, "1 folds: there can be 2 to 254"},
		{3, fold.Options{Folds: 4}, "3 rows that may be parted, for 4 folds"},
		{4, fold.Options{Folds: 2, Groups: []string{"a"}}, "1 groups for 4 rows"},
	} {
		if _, err := fold.Stratify(make([][]int, c.rows), c.o); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestSplitHoldsOutOneFold(t *testing.T) {
	if _, _, err := fold.Split([]uint8{0, 0, 1}, 2); err == nil {
		t.Error("an empty fold is not refused")
	}
	train, held, err := fold.Split([]uint8{0, 1, foldfile.Always}, 1)
	if err != nil || !slices.Equal(train, []int{0, 2}) || !slices.Equal(held, []int{1}) {
		t.Errorf("split into %v and %v, %v", train, held, err)
	}
}

// The split that came with the real labels is stratified too. Ours must be as good.
func TestRealLabelsAreDividedAtLeastAsWellAsTheGivenSplit(t *testing.T) {
	table, err := input.ReadTableFile(golden.Shared(t, "data/imet/train.csv"))
	if err != nil {
		t.Fatal(err)
	}
	given, err := foldfile.Read(golden.Shared(t, "data/imet/folds.npy"), len(table.Rows), 5)
	if err != nil {
		t.Fatal(err)
	}
	labels := make([][]int, len(table.Rows))
	for i := range labels {
		if labels[i], err = table.Classes(i, 1103); err != nil {
			t.Fatal(err)
		}
	}
	ours, err := fold.Stratify(labels, fold.Options{Folds: 5})
	if err != nil {
		t.Fatal(err)
	}
	theirLabel, theirSize := worst(labels, given, 5)
	label, size := worst(labels, ours, 5)
	t.Logf("off at most: ours %v rows of a label, %v of a fold; the given split %v and %v", label, size, theirLabel, theirSize)
	if label > theirLabel {
		t.Errorf("a label is off by %v rows, in the given split by %v", label, theirLabel)
	}
}

func ExampleStratify() {
	labels := [][]int{{0}, {0}, {0, 1}, {0, 1}}
	folds, _ := fold.Stratify(labels, fold.Options{Folds: 2})
	fmt.Println(folds[0] != folds[1], folds[2] != folds[3])
	// Output: true true
}
