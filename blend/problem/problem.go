// Package problem scores the weights of a blend: fast, exactly, and from the few
// predictions that matter.
//
//	p := problem.NewSign(set, problem.Options{Beta: 2})
//	err := p.Read(ctx)
//	score := p.Score([]float64{0.5, 0.3, 0.2})
//	best := p.Line([]float64{1, 0, 0}, []float64{0, 0.5, 0.5})
//
// # Points
//
// A point is a weight for each model, all of them at least 0 and one above, and,
// where an offset is searched, the offset as one more coordinate. A label is
// given where
//
//	sum over models of weight x prediction > offset x sum of the weights
//
// # Pruning
//
// Let l and h be the least and the highest prediction that any model has for an
// entry (a row and a class). A weighted mean of the predictions lies between
// them: sum w p / sum w is in [l, h] for all admissible w, and is l or h where
// all the weight is on the model that has it. So with offsets from -c to c
//
//   - h <= -c: no point gives the label, as the mean is at most h <= offset;
//   - l > c: every point gives it, as the mean is at least l > offset;
//   - else one point gives it (h's model alone, with the offset -c) and another
//     doesn't (l's model alone, with the offset c).
//
// Entries of the first two kinds are only counted, those of the third are kept,
// and none of these could be spared. Without offset, c = 0, they are those that
// one model gives and another doesn't: some 2 % of a large multi-label problem.
package problem

import "math"

// Best is the best point of a line from u to v.
type Best struct {
	// At says where: the point is u + At (v-u).
	At float64
	// Score is the score there.
	Score float64
}

// Problem scores points. It may be used by several goroutines at once.
type Problem interface {
	// Models is the number of weights of a point.
	Models() int
	// MaxOffset is the bound of the offset, 0 where points have none.
	MaxOffset() float64
	// Score is to be made high. It doesn't change when all weights are
	// multiplied by a number above 0.
	Score(point []float64) float64
	// Line returns the best point of the line from u to v, both points whose
	// weights sum to 1.
	Line(u, v []float64) Best
}

// Rows is a problem whose score is a ratio of sums over rows, which come in
// folds.
type Rows interface {
	Problem
	// Folds is the number of folds.
	Folds() int
	// Select returns the problem of the rows of some folds.
	Select(folds ...int) Rows
	// Drop returns the problem without a model.
	Drop(model int) Rows
	// Ratios returns for each row what it adds to numerator and denominator of
	// the score of a point, fold by fold.
	Ratios(point []float64) (num, den []float64)
	// Correlation is that of a model with the rest, NaN if unknown.
	Correlation(model int) float64
	// FoldStarts returns the first row of each fold, and the number of rows.
	FoldStarts() []int
}

// bias is what an offset adds to the sum of a point.
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

// Scaled returns the point with weights that sum to 1.
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

// Admissible reports whether a point has a weight above 0 and none below, and
// its offset within bounds.
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
