// Package problem scores the points of a blend: fast, exactly, and from the few
// predictions that can change the score.
//
//	p, err := problem.ReadSign(ctx, set, problem.Options{Beta: 2}, nil)
//	score := p.Score([]float64{0.5, 0.3, 0.2})
//	best := p.Line([]float64{1, 0, 0}, []float64{0, 0.5, 0.5})
//
// # Points
//
// A point holds a coefficient for each model. All are at least 0, and one is above 0.
// If the search includes an offset, that is the last coordinate. A label is given
// where
//
//	sum over models of coefficient x prediction > offset x sum of the coefficients
//
// # Pruning
//
// Let l and h be the lowest and the highest prediction of all models for an entry (a
// row and a class). A weighted mean of the predictions, sum w p / sum w, lies in [l,
// h] for all coefficients. It reaches l and h where the model that predicts l or h is
// alone. So with offsets from -c to c
//
//   - h <= -c: no point gives the label, as the mean is at most h <= offset;
//   - l > c: every point gives it, as the mean is at least l > offset;
//   - otherwise the model of h alone gives it at the offset -c, and the model of l
//     alone does not give it at the offset c.
//
// A problem counts the entries of the first two kinds and keeps those of the third.
// None of these is redundant. Without an offset (c = 0) they are the entries that one
// model gives and another does not: about 2 % of a large multi-label problem.
package problem

import "math"

// Best is the best point of a line from u to v.
type Best struct {
	// At is its place on the line: the point is u + At (v-u).
	At float64
	// Score is the score at that point.
	Score float64
}

// Problem scores points. Its methods may be called by several goroutines at once.
type Problem interface {
	// Models returns the number of coefficients of a point.
	Models() int
	// MaxOffset returns the bound of the offset, 0 if points have none.
	MaxOffset() float64
	// Score returns the score at a point; higher is better. Multiplying all
	// coefficients by a positive number does not change it.
	Score(point []float64) float64
	// Line returns the best point of the line from u to v, two points whose
	// coefficients sum to 1.
	Line(u, v []float64) Best
}

// Rows is a problem whose score is made of rows that are grouped by fold.
type Rows interface {
	Problem
	// Folds returns the number of folds.
	Folds() int
	// Select returns the problem of the rows of some folds.
	Select(folds ...int) Rows
	// Drop returns the problem without one model.
	Drop(model int) Rows
	// Outcome returns what the rows come to at a point, from which the scores of
	// samples follow. Given a point for each fold, the rows of a fold are at its
	// point, and what the problem fits beside coefficients is fitted to the other
	// folds.
	Outcome(points ...[]float64) Outcome
	// Correlation returns the correlation of a model's predictions with the mean of
	// the others', NaN if it is undefined.
	Correlation(model int) float64
	// FoldStarts returns the first row of each fold, and after them the number of
	// rows.
	FoldStarts() []int
}

// bias returns what the offset of a point adds to a sum of predictions.
func bias(point []float64, models int) float64 {
	if len(point) == models {
		return 0
	}
	sum := 0.0
	for _, w := range point[:models] {
		sum += w
	}
	return -point[models] * sum
}

// Equal returns the point of equal coefficients, with an offset of 0 if the points of p
// have one.
func Equal(p Problem) []float64 {
	point := make([]float64, Dimensions(p))
	for i := range p.Models() {
		point[i] = 1 / float64(p.Models())
	}
	return point
}

// Single returns the point with the coefficient 1 for one model and 0 for the others,
// and an offset of 0 if the points of p have one.
func Single(p Problem, model int) []float64 {
	point := make([]float64, Dimensions(p))
	point[model] = 1
	return point
}

// Dimensions returns the number of coordinates of a point of p: one for each model, and
// one for the offset if points have one.
func Dimensions(p Problem) int {
	if p.MaxOffset() > 0 {
		return p.Models() + 1
	}
	return p.Models()
}

// Between returns the point u + at (v-u).
func Between(u, v []float64, at float64) []float64 {
	p := make([]float64, len(u))
	for i := range p {
		p[i] = (1-at)*u[i] + at*v[i]
	}
	return p
}

// Scaled returns the point with coefficients that sum to 1.
func Scaled(point []float64, models int) []float64 {
	sum := 0.0
	for _, w := range point[:models] {
		sum += w
	}
	p := append([]float64(nil), point...)
	for i := range p[:models] {
		p[i] /= sum
	}
	return p
}

// Admissible reports whether a point's coefficients are at least 0 and not all 0, and
// its offset is within maxOffset of 0.
func Admissible(point []float64, models int, maxOffset float64) bool {
	sum := 0.0
	for _, w := range point[:models] {
		if !(w >= 0) {
			return false
		}
		sum += w
	}
	for _, c := range point[models:] {
		if !(math.Abs(c) <= maxOffset) {
			return false
		}
	}
	return sum > 0 && !math.IsInf(sum, 1)
}
