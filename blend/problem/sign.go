package problem

import (
	"math/bits"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

// Options say what a problem is about. The zero value is the mean F2 of the
// rows, without offset.
type Options struct {
	// Beta is that of the F-beta; 0 means 2.
	Beta float64
	// Micro counts all rows together instead of taking the mean of their scores.
	Micro bool
	// MaxOffset is how far the offset may be from 0; 0 means that there is none.
	MaxOffset float64
	// ClassOffsets are taken off the predictions of each class; nil means that
	// there are none.
	ClassOffsets []float64
}

// Sign is the problem of scores that only depend on which labels are given: the
// F-betas. It holds the entries that pruning leaves (see the package comment),
// grouped by row, the true ones of a row first.
type Sign struct {
	options Options
	set     *vector.Set
	models  int

	fixed  []counts // of the entries that every point gives or none does
	start  []int    // of the entries of each row, and the end of the last
	middle []int    // end of the true ones of each row
	folds  []int    // first row of each fold, and the end of the last

	columns [][]float32 // by model, the entries' predictions, padded to blocks
	of      []uint32    // by entry, 2 x row + 1 if it is true
	classes []uint16    // by entry
	region  *region     // that of the points, nil if all
	settled settled     // the rows without entries, of a region
	moments moments     // of all predictions

	scratch sync.Pool // of *scratch
}

// counts are those of a row. No row has more than maxClasses entries.
type counts struct{ hits, given, truth uint16 }

const maxClasses = 1<<16 - 1

func (c counts) plus(hits, given int) metric.Counts {
	return metric.Counts{Hits: int(c.hits) + hits, Given: int(c.given) + given, True: int(c.truth)}
}

// block is how many entries are computed at once: what stays in the fastest
// cache.
const block = 512

// Options are those that the problem was read with.
func (s *Sign) Options() Options { return s.options }

// Models is the number of weights of a point.
func (s *Sign) Models() int { return s.models }

// MaxOffset is the bound of the offset.
func (s *Sign) MaxOffset() float64 { return s.options.MaxOffset }

// Rows is the number of rows.
func (s *Sign) Rows() int { return len(s.fixed) }

// Entries is the number of entries that pruning left.
func (s *Sign) Entries() int { return len(s.of) }

// Entry is one that pruning left.
type Entry struct {
	Row, Class int
	True       bool
	// Value is the weighted sum of its predictions.
	Value float64
}

// Each calls do with every entry, row by row. The offset of the point, if it has
// one, is not taken off the values.
func (s *Sign) Each(point []float64, do func(Entry)) {
	weights := s.place(point)[:s.models]
	var sums [block]float64
	for at := 0; at < len(s.of); at += block {
		s.set.Dot(sums[:], s.columns, at, weights, 0)
		for i, v := range sums[:min(block, len(s.of)-at)] {
			of := s.of[at+i]
			do(Entry{Row: int(of >> 1), Class: int(s.classes[at+i]), True: of&1 == 1, Value: v})
		}
	}
}

// Counts returns those of a row without its entries: of what every point gives.
func (s *Sign) Counts(row int) metric.Counts { return s.fixed[row].plus(0, 0) }

// Value returns the weighted sum of an entry, less the offset: above 0 the label
// is given.
func (s *Sign) Value(entry int, point []float64) float64 {
	point = s.place(point)
	v := bias(point, s.models)
	for k, c := range s.columns {
		v += point[k] * float64(c[entry])
	}
	return v
}

// Score returns the score of a point.
func (s *Sign) Score(point []float64) float64 {
	m := s.memory()
	defer s.scratch.Put(m)
	s.signs(m.bits, m.sums, point)
	return s.scoreOf(m.bits)
}

// Ratios returns the F-beta of each row and 1; or, where all rows are counted
// together, what they add to numerator and denominator.
func (s *Sign) Ratios(point []float64) (num, den []float64) {
	m := s.memory()
	defer s.scratch.Put(m)
	s.signs(m.bits, m.sums, point)
	num, den = make([]float64, len(s.fixed)), make([]float64, len(s.fixed))
	for r := range s.fixed {
		c := s.rowCounts(m.bits, r)
		num[r], den[r] = c.FBeta(s.options.Beta), 1
		if s.options.Micro {
			num[r], den[r] = c.Ratio(s.options.Beta)
		}
	}
	return num, den
}

// signs sets the bits of the entries that a point gives.
func (s *Sign) signs(bits []uint64, sums, point []float64) {
	point = s.place(point)
	b := bias(point, s.models)
	for at := 0; at < len(s.of); at += block {
		s.set.Dot(sums[:block], s.columns, at, point[:s.models], b)
		s.set.Positive(bits[at/64:(at+block)/64], sums[:block])
	}
}

func (s *Sign) rowCounts(set []uint64, r int) metric.Counts {
	start, middle, end := s.start[r], s.middle[r], s.start[r+1]
	if end-start <= 64 {
		row := window(set, start)
		hits := bits.OnesCount64(row & (1<<(middle-start) - 1))
		return s.fixed[r].plus(hits, bits.OnesCount64(row&(1<<(end-start)-1)))
	}
	hits := count(set, start, middle)
	return s.fixed[r].plus(hits, hits+count(set, middle, end))
}

// settled is what rows add to the score that no point changes.
type settled struct {
	rows   int
	sum    float64 // of their F-beta
	counts metric.Counts
}

func (s *settled) add(c metric.Counts, beta float64) {
	s.rows++
	s.sum += c.FBeta(beta)
	s.counts.Add(c)
}

func (s *Sign) scoreOf(bits []uint64) float64 {
	all := s.settled
	for r := range s.fixed {
		all.add(s.rowCounts(bits, r), s.options.Beta)
	}
	if s.options.Micro {
		return all.counts.FBeta(s.options.Beta)
	}
	return all.sum / float64(all.rows)
}

// scratch is the memory of one computation.
type scratch struct {
	bits         []uint64
	sums, sums2  []float64
	states       []state
	events, more []event
}

func (s *Sign) memory() *scratch {
	if m, ok := s.scratch.Get().(*scratch); ok {
		return m
	}
	return &scratch{
		bits: make([]uint64, len(s.columns[0])/64+2), // see window
		sums: make([]float64, block), sums2: make([]float64, block),
		states: make([]state, len(s.fixed)),
	}
}

// Correlation is Pearson's correlation of a model's predictions with the mean of
// the others', over all entries of every sixteenth row; NaN for one model.
func (s *Sign) Correlation(model int) float64 { return s.moments.correlation(model) }

// Folds is the number of folds.
func (s *Sign) Folds() int { return len(s.folds) - 1 }

// FoldStarts returns the first row of each fold, and the number of rows.
func (s *Sign) FoldStarts() []int { return s.folds }

// Drop returns the problem without a model. It shares the memory of s.
func (s *Sign) Drop(model int) Rows {
	return &Sign{
		options: s.options, set: s.set, models: s.models - 1,
		fixed: s.fixed, start: s.start, middle: s.middle, folds: s.folds, of: s.of, classes: s.classes,
		columns: append(append([][]float32(nil), s.columns[:model]...), s.columns[model+1:]...),
	}
}

// Select returns the problem of the rows of some folds.
func (s *Sign) Select(folds ...int) Rows {
	sub := &Sign{options: s.options, set: s.set, models: s.models, start: []int{0}, folds: []int{0}}
	sub.columns = make([][]float32, s.models)
	for _, f := range folds {
		first, end := s.folds[f], s.folds[f+1]
		from, to := s.start[first], s.start[end]
		entryShift, rowShift := len(sub.of)-from, len(sub.fixed)-first
		for r := first; r < end; r++ {
			sub.middle = append(sub.middle, s.middle[r]+entryShift)
			sub.start = append(sub.start, s.start[r+1]+entryShift)
		}
		sub.fixed = append(sub.fixed, s.fixed[first:end]...)
		for _, of := range s.of[from:to] {
			sub.of = append(sub.of, uint32(int(of)+2*rowShift))
		}
		sub.classes = append(sub.classes, s.classes[from:to]...)
		for k := range sub.columns {
			sub.columns[k] = append(sub.columns[k], s.columns[k][from:to]...)
		}
		sub.folds = append(sub.folds, len(sub.fixed))
	}
	sub.pad()
	return sub
}

// padded is n, up to whole blocks.
func padded(n int) int { return (n + block - 1) / block * block }

// pad makes the columns as long as blocks are.
func (s *Sign) pad() {
	for k, c := range s.columns {
		s.columns[k] = append(c, make([]float32, padded(len(s.of))-len(c))...)
	}
}
