package submission_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/submission"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func table(t testing.TB, text string) *input.Table {
	t.Helper()
	s, err := input.ReadTable("sample.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written writes the submission and returns its text.
func written(t testing.TB, sample *input.Table, rows []int, s *submission.Sum, known []int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.csv")
	if err := submission.Write(path, sample, rows, s, s.Fallback(known)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLabelsAreTheClassesWithPositiveSums(t *testing.T) {
	sample := table(t, "id,labels\na,0\nb,0\na,0\n")
	s := submission.NewSum(&ensemble.Plan{Classes: 3, ClassOffsets: []float64{0, 0.25, 0}}, 2)
	s.Add(2, []float32{0.5, 0.5, -0.5, 0.5, 0.125, 0})
	s.Add(-1, []float32{0.5, 0.25, -2, 1, 0.125, 0.5})
	// a has the sums 0.5, 0.5 and 1; b has 0, -0.125 and -0.5.
	if got, want := written(t, sample, []int{0, 1, 0}, s, nil), "id,labels\na,0 1 2\nb,\na,0 1 2\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestASumDependsOnNoOrder(t *testing.T) {
	p := &ensemble.Plan{Classes: 1}
	weights := []float64{1, 1e-9, -1, 3e4, -3e4, 1e-9}
	forward, backward := submission.NewSum(p, 1), submission.NewSum(p, 1)
	for i := range weights {
		forward.Add(weights[i], []float32{0.75})
		backward.Add(weights[len(weights)-1-i], []float32{0.75})
	}
	sample := table(t, "id,labels\na,\n")
	if a, b := written(t, sample, []int{0}, forward, nil), written(t, sample, []int{0}, backward, nil); a != b || a != "id,labels\na,0\n" {
		t.Errorf("forward:\n%sbackward:\n%s", a, b)
	}
}

func TestImagesWithoutPredictionGetTheFallback(t *testing.T) {
	sample := table(t, "id,labels\na,1\nb,2\nc,\n")
	p := &ensemble.Plan{Classes: 3}
	missing := make([]float32, 3)
	submission.MarkMissing(missing)
	s := submission.NewSum(p, 3)
	s.Add(1, append([]float32{-1, 1, 1}, missing...))
	if s.Has(1) || !s.Has(0) {
		t.Error("a row of NaN counts as a prediction")
	}
	for _, c := range []struct {
		sum   *submission.Sum
		known []int
		want  string
		told  string
	}{
		{s, []int{0}, "1 2,0,0", `the labels "0", the best constant answer of the training table`},
		{s, nil, "1 2,1 2,1 2", `the labels "1 2", the labels of more than half of the predicted images`},
		{submission.NewSum(p, 3), nil, "1,2,0", "the labels of the sample, or class 0"},
	} {
		var got []string
		for line := range strings.Lines(written(t, sample, []int{0, 1, 2}, c.sum, c.known)) {
			_, labels, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ",")
			got = append(got, labels)
		}
		if strings.Join(got[1:], ",") != c.want || c.sum.Fallback(c.known).String() != c.told {
			t.Errorf("got %q and %s, want %s and %s", got, c.sum.Fallback(c.known), c.want, c.told)
		}
	}
}

// The sums of a plan at the limits stay in range.
func TestTheLargestSumDoesNotOverflow(t *testing.T) {
	p := &ensemble.Plan{Classes: 2, ClassOffsets: []float64{-1, 1}}
	s := submission.NewSum(p, 1)
	for range 16 {
		s.Add(ensemble.MaxCoefficients/16, []float32{2, -2})
	}
	if got := written(t, table(t, "id,labels\na,\n"), []int{0}, s, nil); got != "id,labels\na,0\n" {
		t.Errorf("got\n%s", got)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	sample, err := input.ReadTable("sample.csv", strings.NewReader("id,labels\nx,0\ny,0\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := submission.NewSum(&ensemble.Plan{Classes: 3}, 2)
	sum.Add(0.5, []float32{0.2, -0.1, 0.4, float32(math.NaN()), 0, 0}) // the image y can't be read
	path := filepath.Join(dir, "submission.csv")
	if err := submission.Write(path, sample, []int{0, 1}, sum, sum.Fallback([]int{1})); err != nil {
		fmt.Println(err)
		return
	}
	text, _ := os.ReadFile(path)
	fmt.Print(string(text))
	// Output:
	// id,labels
	// x,0 2
	// y,1
}
