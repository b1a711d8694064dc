package problem

import (
	"sync"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
	"github.com/deploy-kernel/deploy-kernel/internal/metric"
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
	region  *region     // that of the points, nil if all

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

// Models is the number of weights of a point.
func (s *Sign) Models() int { return s.models }

// MaxOffset is the bound of the offset.
func (s *Sign) MaxOffset() float64 { return s.options.MaxOffset }

// Rows is the number of rows.
func (s *Sign) Rows() int { return len(s.fixed) }

// Entries is the number of entries that pruning left.
func (s *Sign) Entries() int { return len(s.of) }

// Score returns the score of a point.
func (s *Sign) Score(point []float64) float64 {
	m := s.memory()
	defer s.scratch.Put(m)
	s.signs(m.bits, m.sums, point)
	return s.scoreOf(m.bits)
}

// RowScores appends to dst the F-beta of each row, fold by fold. Their mean is
// the score, unless that is micro.
func (s *Sign) RowScores(dst, point []float64) []float64 {
	m := s.memory()
	defer s.scratch.Put(m)
	s.signs(m.bits, m.sums, point)
	for r := range s.fixed {
		dst = append(dst, s.rowCounts(m.bits, r).FBeta(s.options.Beta))
	}
	return dst
}

// Counts appends to dst the counts of each row, fold by fold.
func (s *Sign) Counts(dst []metric.Counts, point []float64) []metric.Counts {
	m := s.memory()
	defer s.scratch.Put(m)
	s.signs(m.bits, m.sums, point)
	for r := range s.fixed {
		dst = append(dst, s.rowCounts(m.bits, r))
	}
	return dst
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

func (s *Sign) rowCounts(bits []uint64, r int) metric.Counts {
	hits := count(bits, s.start[r], s.middle[r])
	return s.fixed[r].plus(hits, hits+count(bits, s.middle[r], s.start[r+1]))
}

func (s *Sign) scoreOf(bits []uint64) float64 {
	sum, all := 0.0, metric.Counts{}
	for r := range s.fixed {
		c := s.rowCounts(bits, r)
		if s.options.Micro {
			all.Hits += c.Hits
			all.Given += c.Given
			all.True += c.True
		} else {
			sum += c.FBeta(s.options.Beta)
		}
	}
	if s.options.Micro {
		return all.FBeta(s.options.Beta)
	}
	return sum / float64(len(s.fixed))
}

// scratch is the memory of one computation.
type scratch struct {
	bits         []uint64
	sums, sums2  []float64
	states       []counts
	events, more []event
}

func (s *Sign) memory() *scratch {
	if m, ok := s.scratch.Get().(*scratch); ok {
		return m
	}
	return &scratch{
		bits: make([]uint64, len(s.columns[0])/64),
		sums: make([]float64, block), sums2: make([]float64, block),
		states: make([]counts, len(s.fixed)),
	}
}

// Select returns the problem of the rows of some folds.
func (s *Sign) Select(folds ...int) *Sign {
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
