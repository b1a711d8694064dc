package metric_test

import (
	"math"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"pgregory.net/rapid"
)

// drawRows draws a problem of a task.
func drawRows(t *rapid.T, kind task.Task) metric.Rows {
	y := metric.Rows{Classes: rapid.IntRange(1, 4).Draw(t, "classes"), Task: kind}
	if kind == task.Multiclass || kind == task.Ordinal {
		y.Classes++
	}
	if kind == task.Regression {
		y.Classes = 1
	}
	values := rapid.Float32Range(-1, 4)
	if rapid.Bool().Draw(t, "ties") {
		values = rapid.SampledFrom([]float32{-0.5, 0, 0.25, 0.5, 1, 1.5, 2, nan})
	}
	for range rapid.IntRange(1, 9).Draw(t, "rows") {
		for range kind.Values(y.Classes) {
			y.Scores = append(y.Scores, values.Draw(t, "score"))
		}
		switch kind {
		case task.Regression:
			y.Values = append(y.Values, float32(rapid.IntRange(0, 3).Draw(t, "value")))
		case task.Multilabel:
			labels := []int{}
			for c := range y.Classes {
				if rapid.Bool().Draw(t, "true") {
					labels = append(labels, c)
				}
			}
			y.Labels = append(y.Labels, labels)
		default:
			y.Labels = append(y.Labels, []int{rapid.IntRange(0, y.Classes-1).Draw(t, "class")})
		}
	}
	return y
}

func TestNoThresholdBeatsTheOneFitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y := drawRows(t, task.Multilabel)
		for _, m := range scores(task.Multilabel) {
			d, best := m.Fit(y)
			if got := m.Score(y, d); got != best && got == got {
				t.Fatalf("%s: %v at %v, said to be %v", m, got, d, best)
			}
			if !m.Decides() {
				continue
			}
			for _, s := range append([]float32{-2, 9}, y.Scores...) {
				for _, at := range []float32{s, math.Nextafter32(s, -9), math.Nextafter32(s, 9)} {
					if got := m.Score(y, metric.Decision{Threshold: at}); got > best+1e-9 {
						t.Fatalf("%s: %v at %v, but %v at %v, said to be best", m, got, at, best, d.Threshold)
					}
				}
			}
		}
	})
}

func TestNoBoundsBeatTheOnesFitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]task.Task{task.Ordinal, task.Regression}).Draw(t, "task")
		y := drawRows(t, kind)
		m := metric.Metric{Name: "quadratic-kappa"}
		if kind == task.Ordinal && rapid.Bool().Draw(t, "accuracy") {
			m.Name = "accuracy"
		}
		d, best := m.Fit(y)
		if len(d.Bounds) != y.Grades()-1 || !slices.IsSorted(d.Bounds) {
			t.Fatalf("bounds %v of %d grades", d.Bounds, y.Grades())
		}
		places := []float64{-9, 9}
		for _, s := range y.Scores {
			if s == s {
				places = append(places, float64(s))
			}
		}
		slices.Sort(places)
		places = slices.Compact(places)
		bounds := make([]float64, y.Grades()-1)
		var fill func(k, from int)
		fill = func(k, from int) {
			if k == len(bounds) {
				if got := m.Score(y, metric.Decision{Bounds: bounds}); got > best+1e-12 {
					t.Fatalf("%s: %v at %v, but %v at %v, said to be best", m, got, bounds, best, d.Bounds)
				}
				return
			}
			for at := from; at < len(places); at++ {
				bounds[k] = places[at]
				fill(k+1, at)
			}
		}
		fill(0, 0)
	})
}

// The best constant answer has the score reported, and no answer of few labels beats it.
func TestNoConstantBeatsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(tasks).Draw(t, "task")
		y := drawRows(t, kind)
		y.Scores = nil
		for _, m := range scores(kind) {
			answer, best := m.Constant(y)
			if len(answer.Values) != kind.Values(y.Classes) || kind == task.Multiclass && len(answer.Labels) != 1 {
				t.Fatalf("%s: answer %v", m, answer)
			}
			if m.Name == metric.FBeta && kind == task.Multilabel {
				continue // the search of BestConstant is greedy
			}
			try := func(row []float32) {
				other := y
				for range y.Len() {
					other.Scores = append(other.Scores, row...)
				}
				if got := m.Score(other, metric.Decision{Threshold: 0.5}); m.Gain(got) > m.Gain(best)+1e-6 {
					t.Fatalf("%s, %s: always %v scores %v, but %v, said to be best, %v", kind, m, row, got, answer, best)
				}
			}
			if n := kind.Values(y.Classes); m.Decides() && kind == task.Multilabel {
				for set := range 1 << n {
					row := make([]float32, n)
					for c := range row {
						row[c] = float32(set >> c & 1)
					}
					try(row)
				}
			}
			if kind == task.Ordinal || kind == task.Regression {
				for v := range 8 {
					try([]float32{float32(v) / 2})
				}
			}
			if kind == task.Multiclass {
				for c := range y.Classes {
					row := make([]float32, y.Classes)
					row[c] = 1
					try(row)
				}
			}
		}
	})
}
