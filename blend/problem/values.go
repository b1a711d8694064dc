package problem

import (
	"context"
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// values holds the predictions of a regression or ordinal set: one value of each target
// by model, beside the true values. Problems of fewer folds share the parts.
type values struct {
	models, targets int
	parts           []*valuesPart
	moments         moments
}

// valuesPart holds the rows of one fold.
type valuesPart struct {
	truth  []float64 // by row and target
	values []float64 // by row, target and model
}

// readValues reads the predictions of a set, several folds at once. progress is as in
// [ReadArgmax].
func readValues(ctx context.Context, set *oof.Set, progress func(int)) (values, error) {
	models, targets := len(set.Models), set.Columns
	all := values{models: models, targets: targets, parts: make([]*valuesPart, set.Truth.Folds)}
	found := make([]moments, len(all.parts))
	err := set.EachFold(ctx, func(ctx context.Context, fold int) error {
		p := &valuesPart{}
		all.parts[fold] = p
		return set.Read(ctx, fold, func(b oof.Block) error {
			if err := set.NotFinite(fold, b); err != nil {
				return err
			}
			found[fold].add(b, targets)
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
			if progress != nil {
				progress(len(b.Rows) * targets * models)
			}
			return nil
		})
	})
	for _, m := range found {
		all.moments.join(m)
	}
	return all, err
}

// Models returns the number of coefficients of a point.
func (v *values) Models() int { return v.models }

// MaxOffset returns 0: these scores have no offset.
func (v *values) MaxOffset() float64 { return 0 }

// Folds returns the number of folds.
func (v *values) Folds() int { return len(v.parts) }

// FoldStarts returns the first row of each fold, and after them the number of rows.
func (v *values) FoldStarts() []int {
	starts := []int{0}
	for i, p := range v.parts {
		starts = append(starts, starts[i]+len(p.truth)/v.targets)
	}
	return starts
}

// Rows returns the number of rows.
func (v *values) Rows() int { return v.FoldStarts()[len(v.parts)] }

// Entries returns the number of values of a model.
func (v *values) Entries() int { return v.Rows() * v.targets }

// Correlation is like [Sign.Correlation].
func (v *values) Correlation(model int) float64 { return v.moments.correlation(model) }

// choose returns the values of some folds.
func (v *values) choose(folds []int) values {
	sub := values{models: v.models, targets: v.targets}
	for _, f := range folds {
		sub.parts = append(sub.parts, v.parts[f])
	}
	return sub
}

// drop returns the values without one model.
func (v *values) drop(model int) values {
	sub := values{models: v.models - 1, targets: v.targets}
	for _, p := range v.parts {
		few := &valuesPart{truth: p.truth}
		for i := 0; i < len(p.values); i += v.models {
			few.values = append(append(few.values, p.values[i:i+model]...), p.values[i+model+1:i+v.models]...)
		}
		sub.parts = append(sub.parts, few)
	}
	return sub
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
