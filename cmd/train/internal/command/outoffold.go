package command

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/metric"
)

// crossValidation is a validation with the predictions of its folds.
type crossValidation struct {
	*validation
	pooled pool
}

// pool collects the held-out rows of the folds.
type pool struct {
	truth  metric.Rows // with the predictions, unless they are of a mean over rows
	folds  []int
	sum    float64 // of the scores of folds, by row
	repeat bool    // several files of weights are of one fold
}

// add adds the rows of a fold. It keeps predictions only if the score of all rows is not
// the mean of the folds' scores, as they can be large.
func (p *pool) add(fold int, y metric.Rows, score float64) {
	if slices.Contains(p.folds, fold) {
		p.repeat = true
		return
	}
	p.folds = append(p.folds, fold)
	p.sum += float64(y.Len()) * score
	p.truth.Task, p.truth.Classes = y.Task, y.Classes
	p.truth.Labels = append(p.truth.Labels, y.Labels...)
	p.truth.Values = append(p.truth.Values, y.Values...)
	p.truth.Scores = append(p.truth.Scores, y.Scores...)
}

// score returns the score of all rows, or nil if some came twice.
func (p *pool) score(m metric.Metric) *outOfFold {
	if p.repeat {
		return nil
	}
	o := &outOfFold{rows: p.truth.Len()}
	_, o.constant = m.Constant(p.truth)
	if p.truth.Scores == nil {
		o.score = p.sum / float64(o.rows)
	} else {
		_, o.score = m.Fit(p.truth)
	}
	return o
}

// ofRows reports whether the score of rows is the mean of the scores of each.
func ofRows(m metric.Metric) bool {
	return m.Name == metric.FBeta || m.Name == metric.Accuracy || m.Name == metric.LogLoss
}
