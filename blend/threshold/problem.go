// Package threshold finds a threshold for each class of a blend with known
// coefficients, shrunk towards the common threshold.
//
//	found, err := threshold.Run(ctx, sign, set, point, threshold.Options{Held: heldOut})
//	found.Thresholds // one per class
//	found.HeldOut    // the score on rows that nothing was fitted to
//
// # What there is to gain
//
// For calibrated predictions, one threshold serves all classes. A label pays off if
// its probability exceeds a number that depends on the score reached, not on the
// class (Lipton, Elkan, Naryanaswamy 2014, "Optimal thresholding of classifiers to
// maximize F1 measure"). A threshold for each class corrects for calibration that
// differs between classes. For a rare class it is fitted to few rows and over-fits
// them (Yang 2001, "A study of thresholding strategies for text categorization").
// Yang, and Fan and Lin 2007, therefore replace it by a cautious one if a rare class
// scores badly (SCutFBR).
//
// # The search
//
// The search moves one class's threshold at a time to its true optimum while the
// others stay, until none gains. This is the cyclic optimization of Fan and Lin 2007,
// "A study on threshold selection for multi-label classification". Here it maximizes
// the mean F-beta of the rows, in which the classes are not independent. A class has
// one entry per row. So the gain of an entry that changes sides does not depend on
// the other entries of its class. With sorted entries, one walk over running sums
// sees every value of the score, in O(n) for n entries within reach.
//
// # Shrinkage
//
// The threshold of a class with n true rows moves n/(n+strength) of the way from the
// common threshold to its optimum, like an empirical Bayes estimate of a mean (Efron
// and Morris 1975). A class without true rows keeps the common threshold; with an
// infinite strength every class does. The strength is the one of [Strengths] that
// scores best in cross-validation over the folds. With fewer than two folds it is
// infinite.
package threshold

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

// Problem scores thresholds at one point of a blend. Several goroutines may use it at
// once.
type Problem struct {
	options problem.Options
	common  float64         // the offset of the point, at which every threshold starts
	rows    []metric.Counts // without the entries
	folds   []int           // first row of each fold, and the number of rows
	entries [][]entry       // by class, in ascending order
	support [][]int         // number of true rows, by fold and class
}

// entry is a row's prediction of a class that a threshold within reach may give or
// not.
type entry struct {
	value float64
	of    uint32 // 2 x row + 1 if it is true
}

func (e entry) row() int { return int(e.of >> 1) }

// step is the change of an entry: given from now on, or no longer.
type step int

const (
	give step = 1
	take step = -1
)

// after returns the counts after a step of an entry.
func after(c metric.Counts, e entry, s step) metric.Counts {
	c.Hits += int(s) * int(e.of&1)
	c.Given += int(s)
	return c
}

// New returns the problem of a point of s, which was read from set. Thresholds may be
// as far from 0 as the offset of s.
func New(s *problem.Sign, set *oof.Set, point []float64) *Problem {
	p := &Problem{
		options: s.Options(), folds: s.FoldStarts(),
		rows: make([]metric.Counts, s.Rows()), entries: make([][]entry, set.Classes),
	}
	if len(point) > s.Models() {
		p.common = point[s.Models()]
	}
	for r := range p.rows {
		p.rows[r] = s.Counts(r)
	}
	reach := p.options.MaxOffset
	s.Each(problem.Scaled(point, s.Models()), func(e problem.Entry) {
		of := uint32(e.Row) << 1
		if e.True {
			of |= 1
		}
		switch v := (entry{e.Value, of}); {
		case e.Value > reach:
			p.rows[e.Row] = after(p.rows[e.Row], v, give)
		case e.Value > -reach:
			p.entries[e.Class] = append(p.entries[e.Class], v)
		}
	})
	for _, list := range p.entries {
		slices.SortFunc(list, func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.of, b.of))
		})
	}
	for _, rows := range set.Truth.Rows {
		n := make([]int, set.Classes)
		for _, r := range rows {
			for _, class := range set.Labels[r] {
				n[class]++
			}
		}
		p.support = append(p.support, n)
	}
	return p
}

// Common returns the common threshold for every class.
func (p *Problem) Common() []float64 {
	t := make([]float64, len(p.entries))
	for c := range t {
		t[c] = p.common
	}
	return t
}

// Score returns the score of thresholds on the rows of some folds.
func (p *Problem) Score(thresholds []float64, folds ...int) float64 {
	return p.ratio(thresholds, folds...).score()
}

func (p *Problem) ratio(thresholds []float64, folds ...int) ratio {
	s := p.state()
	s.setAll(thresholds)
	return s.ratio(folds...)
}

// ratio is a score as a quotient of two sums over rows.
type ratio struct{ num, den float64 }

func (r *ratio) add(o ratio) {
	r.num += o.num
	r.den += o.den
}

// score returns the quotient, 0 if the denominator is 0.
func (r ratio) score() float64 {
	if r.den == 0 {
		return 0
	}
	return r.num / r.den
}

// state holds the counts of all rows at thresholds that move.
type state struct {
	*Problem
	at   []float64 // by class, its threshold
	rows []metric.Counts
}

// state returns a state at the common threshold.
func (p *Problem) state() *state {
	s := &state{Problem: p, at: make([]float64, len(p.entries)), rows: slices.Clone(p.rows)}
	for class := range s.at {
		s.at[class] = math.Inf(1) // gives nothing
	}
	s.setAll(p.Common())
	return s
}

func (s *state) setAll(thresholds []float64) {
	for class, t := range thresholds {
		s.set(class, t)
	}
}

// set moves the threshold of a class. It returns the entries that changed, and their
// step.
func (s *state) set(class int, to float64) ([]entry, step) {
	list := s.entries[class]
	from, step := s.at[class], give
	s.at[class] = to
	if to > from {
		from, to, step = to, from, take
	}
	moved := list[above(list, to):above(list, from)]
	for _, e := range moved {
		s.rows[e.row()] = after(s.rows[e.row()], e, step)
	}
	return moved, step
}

// above returns the index of the first entry above a threshold. The entries from it
// on are given.
func above(list []entry, threshold float64) int {
	return sort.Search(len(list), func(i int) bool { return list[i].value > threshold })
}

func (s *state) ratio(folds ...int) (r ratio) {
	for _, fold := range folds {
		for _, c := range s.rows[s.folds[fold]:s.folds[fold+1]] {
			if s.options.Micro {
				num, den := c.Ratio(s.options.Beta)
				r.add(ratio{num, den})
			} else {
				r.add(ratio{c.FBeta(s.options.Beta), 1})
			}
		}
	}
	return r
}
