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
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// sample reads a sample submission for a plan.
func sample(t testing.TB, p *ensemble.Plan, text string) *input.Sample {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample_submission.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := input.ReadSample(path, p.SampleRules())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written writes the submission and returns its text.
func written(t testing.TB, sample *input.Sample, rows []int, s *submission.Sum) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.csv")
	if err := submission.Write(path, sample, rows, s, s.Fallback(sample)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLabelsAreTheClassesWithPositiveSums(t *testing.T) {
	p := &ensemble.Plan{Classes: 3, ClassOffsets: []float64{0, 0.25, 0}}
	sample := sample(t, p, "id,labels\na,0\nb,0\na,0\n")
	s := submission.NewSum(p, &sample.Form, 2)
	s.Add(2, 0.5, []float32{0.5, 0.5, -0.5, 0.5, 0.125, 0})
	s.Add(-1, 0.5, []float32{0.5, 0.25, -2, 1, 0.125, 0.5})
	// a has the sums 0.5, 0.5 and 1; b has 0, -0.125 and -0.5.
	if got, want := written(t, sample, []int{0, 1, 0}, s), "id,labels\na,0 1 2\nb,\na,0 1 2\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestASumDependsOnNoOrder(t *testing.T) {
	weights := []float64{1, 1e-9, -1, 3e4, -3e4, 1e-9, 0.25}
	p := &ensemble.Plan{Classes: 1, Models: []ensemble.Model{{Coefficient: 6e4, Folds: make([]ensemble.Fold, 1)}}}
	for _, c := range []struct {
		task   task.Task
		header string
		want   string
	}{
		{task.Multilabel, "id,labels", "0"},
		{task.Multilabel, "id,probability", "0.75"},
		{task.Regression, "id,value", "0.75"},
	} {
		p.Task = c.task
		sample := sample(t, p, c.header+"\na,\n")
		forward, backward := submission.NewSum(p, &sample.Form, 1), submission.NewSum(p, &sample.Form, 1)
		for i := range weights {
			forward.Add(weights[i], 0, []float32{0.75})
			backward.Add(weights[len(weights)-1-i], 0, []float32{0.75})
		}
		want := c.header + "\na," + c.want + "\n"
		if a, b := written(t, sample, []int{0}, forward), written(t, sample, []int{0}, backward); a != b || a != want {
			t.Errorf("%s: forward:\n%sbackward:\n%s", c.task, a, b)
		}
	}
}

func TestImagesWithoutPredictionGetTheFallback(t *testing.T) {
	p := &ensemble.Plan{Classes: 3}
	sample := sample(t, p, "id,labels\na,1\nb,2\nc,\n")
	s := submission.NewSum(p, &sample.Form, 3)
	s.Add(1, 0, append([]float32{-1, 1, 1}, missing(3)...))
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
		{submission.NewSum(p, &sample.Form, 3), nil, "1,2,0", "the labels of the sample, or class 0"},
	} {
		p.Fallback = c.known
		var got []string
		for line := range strings.Lines(written(t, sample, []int{0, 1, 2}, c.sum)) {
			_, labels, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ",")
			got = append(got, labels)
		}
		if strings.Join(got[1:], ",") != c.want || c.sum.Fallback(sample).String() != c.told {
			t.Errorf("got %q and %s, want %s and %s", got, c.sum.Fallback(sample), c.want, c.told)
		}
	}
}

// missing returns the row of an image without prediction.
func missing(values int) []float32 {
	row := make([]float32, values)
	submission.MarkMissing(row)
	return row
}

// The sums of a plan at the limits stay in range.
func TestTheLargestSumDoesNotOverflow(t *testing.T) {
	p := &ensemble.Plan{Classes: 2, ClassOffsets: []float64{-1, 1}}
	labels := sample(t, p, "id,labels\na,\n")
	s := submission.NewSum(p, &labels.Form, 1)
	for range 16 {
		s.Add(ensemble.MaxCoefficients/16, 0, []float32{2, -2})
	}
	if got := written(t, labels, []int{0}, s); got != "id,labels\na,0\n" {
		t.Errorf("got\n%s", got)
	}
	p = &ensemble.Plan{
		Task: task.Regression, Classes: 2,
		Models: []ensemble.Model{{Coefficient: ensemble.MaxCoefficients / 16, Folds: make([]ensemble.Fold, 16)}},
	}
	values := sample(t, p, "id,x1,x2\na,0,0\n")
	s = submission.NewSum(p, &values.Form, 1)
	for range 16 {
		s.Add(ensemble.MaxCoefficients/16, 0, []float32{1e30, -1e30})
	}
	if got := written(t, values, []int{0}, s); got != "id,x1,x2\na,8388608,-8388608\n" {
		t.Errorf("got\n%s", got)
	}
}

// Two folds predict the first image, one the second, none the third.
func TestEveryFormIsWritten(t *testing.T) {
	multi := ensemble.Plan{Task: task.Multilabel, Classes: 3}
	soft := ensemble.Plan{Task: task.Multiclass, Classes: 3}
	named := soft
	named.ClassNames = []string{"ant", "bee", "cat"}
	rows := [][]float32{
		{0.5, 0.25, 0.25, 0.125, 0.75, 0.125, 0, 0, 0},
		{0.25, 0.875, 0.0009765625, 0, 0, 0, 0, 0, 0},
	}
	for _, c := range []struct {
		name string
		plan ensemble.Plan
		text string // the sample
		want string // the fields of each row after the id
	}{
		{
			"values by columns in another order", named, "id,cat,ant,bee\na,0.1,0.2,0.3\nb,0.1,0.2,0.3\nc,0.1,0.2,0.3\n",
			"0.16699219 0.41666666 0.45833334|0.125 0.125 0.75|0.1459961 0.27083334 0.6041667",
		},
		{"a label by name", named, "id,label\na,ant\nb,ant\nc,ant\n", "bee|bee|bee"},
		{"a label counted from 1", soft, "id,label\na,3\nb,1\nc,1\n", "2|2|2"},
		{"the two most likely", soft, "id,label\na,0 1\nb,0 1\nc,0 1\n", "1 0|1 0|1 0"},
		{"labels above their thresholds", multi, "id,tags\na,0 1\nb,0 1\nc,0 1\n", "0 1|1|1"},
		{
			"indicators", multi, "id,x0,x1,x2\na,False,False,False\nb,False,False,False\nc,False,False,False\n",
			"True True False|False True False|False True False",
		},
		{
			"rows", multi, "id,p\na_0,0.5\na_1,0.5\na_2,0.5\nb_2,0.5\nb_1,0.5\nb_0,0.5\n",
			"0.41666666|0.45833334|0.16699219|0.125|0.75|0.125",
		},
		{
			"a class column, and a copied one", multi, "id,class,p\na,2,0.5\na,1,0.5\na,0,0.5\nb,2,0.5\nb,1,0.5\nb,0,0.5\n",
			"2 0.16699219|1 0.45833334|0 0.41666666|2 0.125|1 0.75|0 0.125",
		},
	} {
		sample := sample(t, &c.plan, c.text)
		s := submission.NewSum(&c.plan, &sample.Form, 3)
		for f, row := range rows {
			threshold := 0.0
			if c.plan.Task == task.Multilabel {
				threshold = 0.25
			}
			plain := append([]float32(nil), row...)
			for i := range plain {
				plain[i] -= float32(threshold)
			}
			n := 6
			if f == 1 {
				n = 3 // the budget has ended
			}
			s.Add([]float64{2, 1}[f], threshold, append(plain[:n:n], missing(3)...))
		}
		numbers := map[string]int{}
		var images []int
		for _, row := range sample.Rows {
			if _, ok := numbers[row.Image]; !ok {
				numbers[row.Image] = len(numbers)
			}
			images = append(images, numbers[row.Image])
		}
		var got []string
		for i, line := range strings.Split(strings.TrimSpace(written(t, sample, images, s)), "\n") {
			if _, fields, _ := strings.Cut(line, ","); i > 0 {
				got = append(got, strings.ReplaceAll(fields, ",", " "))
			}
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, text, c.want)
		}
	}
}

func TestGradesAreTheBoundsBelowTheMean(t *testing.T) {
	p := &ensemble.Plan{Task: task.Ordinal, Classes: 4}
	grades := sample(t, p, "id,grade\na,0\nb,0\nc,0\n")
	for _, c := range []struct {
		bounds []float64
		want   string
	}{
		{nil, "id,grade\na,0\nb,2\nc,3\n"},
		{[]float64{0.25, 2, 2.75}, "id,grade\na,1\nb,1\nc,2\n"},
	} {
		p.GradeBounds = c.bounds
		s := submission.NewSum(p, &grades.Form, 3)
		s.Add(0.5, 0, []float32{0.5, 2, 2.75})
		if got := written(t, grades, []int{0, 1, 2}, s); got != c.want {
			t.Errorf("%v: got\n%s", c.bounds, got)
		}
	}
	means := sample(t, p, "id,grade\na,0.5\n")
	s := submission.NewSum(p, &means.Form, 1)
	s.Add(2, 0, []float32{1.75})
	s.Add(-1, 0, []float32{0.25})
	if got := written(t, means, []int{0}, s); got != "id,grade\na,3\n" { // 3.25 is above the highest grade
		t.Errorf("got %s", got)
	}
}

// Numbers have no exponents, and are read as the float32 that they are.
func TestNumbersAreExactAndPlain(t *testing.T) {
	for x, want := range map[float32]string{
		0: "0", 1e-5: "0.00001", 1.0 / 3: "0.33333334", 0.1: "0.1", 1: "1", -2.5: "-2.5", 1e6: "1000000", 123456.79: "123456.79",
	} {
		p := &ensemble.Plan{Task: task.Multilabel, Classes: 1}
		if x < 0 || x > 1 {
			p.Task = task.Regression
		}
		sample := sample(t, p, "id,value\na,0.5\n")
		s := submission.NewSum(p, &sample.Form, 1)
		s.Add(0.37, 0, []float32{x})
		if got := written(t, sample, []int{0}, s); got != "id,value\na,"+want+"\n" {
			t.Errorf("%g: got %s", x, got)
		}
	}
}

func TestValuesWithoutPrediction(t *testing.T) {
	p := &ensemble.Plan{Task: task.Multiclass, Classes: 2}
	sample := sample(t, p, "id,c0,c1\na,0.5,0.25\nb,0.5,0.75\n")
	none := submission.NewSum(p, &sample.Form, 2)
	some := submission.NewSum(p, &sample.Form, 2)
	some.Add(1, 0, []float32{0.125, 0.875})
	for _, c := range []struct {
		sum   *submission.Sum
		prior []float32
		want  string
		told  string
	}{
		{none, nil, "id,c0,c1\na,0.5,0.5\nb,0.5,0.5\n", "the means of the sample"},
		{some, nil, "id,c0,c1\na,0.125,0.875\nb,0.125,0.875\n", "the means of the predicted images"},
		{some, []float32{0.1, 0.9}, "id,c0,c1\na,0.125,0.875\nb,0.1,0.9\n", "the means of the training table"},
	} {
		p.Prior = c.prior
		if got := written(t, sample, []int{0, 1}, c.sum); got != c.want || c.sum.Fallback(sample).String() != c.told {
			t.Errorf("got %s and %s", c.sum.Fallback(sample), got)
		}
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sample_submission.csv")
	if err := os.WriteFile(path, []byte("id,labels\nx,0\ny,0\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	plan := &ensemble.Plan{Classes: 3, Fallback: []int{1}}
	sample, err := input.ReadSample(path, plan.SampleRules())
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := submission.NewSum(plan, &sample.Form, 2)
	sum.Add(0.5, 0.3, []float32{0.2, -0.1, 0.4, float32(math.NaN()), 0, 0}) // the image y can't be read
	path = filepath.Join(dir, "submission.csv")
	if err := submission.Write(path, sample, []int{0, 1}, sum, sum.Fallback(sample)); err != nil {
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
