package problem

import (
	"context"
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// values holds the predictions of a regression or ordinal set: one value of each target
// by model, beside the true values.
type values struct {
	folded[*valuesPart]
	targets int
}

// valuesPart holds the rows of one fold.
type valuesPart struct {
	targets int
	truth   []float64 // by row and target
	values  []float64 // by row, target and model
}

func (p *valuesPart) rows() int { return len(p.truth) / p.targets }

// readValues reads the predictions of a set, several folds at once. progress is as in
// [ReadArgmax].
func readValues(ctx context.Context, set *oof.Set, progress func(int)) (values, error) {
	targets := set.Columns
	empty := func() *valuesPart { return &valuesPart{targets: targets} }
	all, err := readFolds(ctx, set, targets, progress, empty, func(p *valuesPart, _ int, b oof.Block) {
		for i, row := range b.Rows {
			for t := range targets {
				truth := 0.0
				if set.Task == task.Regression {
					truth = float64(set.Values[row*targets+t])
				} else {
					truth = float64(set.Labels[row][0])
				}
				p.truth = append(p.truth, truth)
				for _, predictions := range b.Predictions {
					p.values = append(p.values, float64(predictions[i*targets+t]))
				}
			}
		}
	})
	return values{all, targets}, err
}

// Entries returns the number of values of a model.
func (v *values) Entries() int { return v.Rows() * v.targets }

// choose returns the values of some folds.
func (v *values) choose(folds []int) values { return values{v.folded.choose(folds), v.targets} }

// drop returns the values without one model.
func (v *values) drop(model int) values {
	return values{v.folded.drop(func(p *valuesPart) *valuesPart {
		few := &valuesPart{targets: p.targets, truth: p.truth}
		for i := 0; i < len(p.values); i += v.models {
			few.values = append(append(few.values, p.values[i:i+model]...), p.values[i+model+1:i+v.models]...)
		}
		return few
	}), v.targets}
}

// blended returns the weighted mean of the models for each row and target.
func (v *values) blended(point []float64) []float64 {
	w := Scaled(point, v.models)
	all := make([]float64, 0, v.Entries())
	for _, p := range v.parts {
		for i := 0; i < len(p.values); i += v.models {
			all = append(all, dot(w, p.values[i:i+v.models]))
		}
	}
	return all
}

func dot(w, v []float64) float64 {
	sum := 0.0
	for k, x := range v {
		sum += w[k] * x
	}
	return sum
}

// grades returns the true grades, which must be whole numbers below metric.MaxGrades.
func (v *values) grades(most int) ([]int, error) {
	var all []int
	for _, p := range v.parts {
		for _, t := range p.truth {
			if t != math.Trunc(t) || t < 0 || t >= float64(most) {
				return nil, fmt.Errorf("the true value %v is no grade: grades are whole numbers from 0 to %d", t, most-1)
			}
			all = append(all, int(t))
		}
	}
	return all, nil
}
