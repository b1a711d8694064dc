package problem

import (
	"math/bits"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

// Options describe the score of a [Sign]. The zero value is the mean F2 of the rows,
// without an offset.
type Options struct {
	// Beta is the beta of the F-beta; 0 means 2.
	Beta float64
	// Micro counts all rows together instead of averaging their scores.
	Micro bool
	// MCC scores Matthews' correlation of all entries instead of an F-beta.
	MCC bool
	// MaxOffset bounds the offset's distance from 0; 0 means no offset.
	MaxOffset float64
	// ClassOffsets are subtracted from the predictions of each class; nil means none.
	ClassOffsets []float64
}

// Sign is the problem of the F-betas and of Matthews' correlation: scores that depend
// only on which labels are given. It holds the entries that pruning leaves (see the package comment), grouped
// by row. The true entries of a row come first.
type Sign struct {
	options Options
	set     *vector.Set
	models  int
	width   int // entries of a row before pruning

	fixed  []counts // by row, of the entries that pruning dropped
	start  []int    // first entry of each row, and the number of entries
	middle []int    // by row, end of its true entries
	folds  []int    // first row of each fold, and the number of rows

	columns [][]float32 // by model, the entries' predictions, padded to whole blocks
	of      []uint32    // by entry, 2 x row + 1 if it is true
	classes []uint16    // by entry
	region  *region     // the points that the problem covers, nil for all
	settled settled     // the rows without entries, in a region
	moments moments     // of all predictions

	scratch sync.Pool // of *scratch
}

// counts are the counts of a row.
type counts struct{ hits, given, truth uint32 }

const maxClasses = 1<<16 - 1

func (c counts) plus(hits, given int) metric.Counts {
	return metric.Counts{Hits: int(c.hits) + hits, Given: int(c.given) + given, True: int(c.truth)}
}

// block is the number of entries that are computed at once; their sums stay in the L1
// cache.
const block = 512

// Options returns the options that the problem was read with.
func (s *Sign) Options() Options { return s.options }

// Models returns the number of coefficients of a point.
func (s *Sign) Models() int { return s.models }

// MaxOffset returns the bound of the offset, 0 if points have none.
func (s *Sign) MaxOffset() float64 { return s.options.MaxOffset }

// Rows returns the number of rows.
func (s *Sign) Rows() int { return len(s.fixed) }

// Entries returns the number of entries that pruning left.
func (s *Sign) Entries() int { return len(s.of) }

// Entry is a row and a class that pruning left.
type Entry struct {
	Row, Class int
	True       bool
	// Value is the weighted sum of the predictions.
	Value float64
}

// Each calls do with every entry, row by row. It does not subtract the offset of the
// point from the values.
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

// Counts returns the counts of a row without the entries that pruning left.
func (s *Sign) Counts(row int) metric.Counts { return s.fixed[row].plus(0, 0) }

// Borders returns the number of entries.
func (s *Sign) Borders() int { return len(s.of) }

// Border returns the weighted sum of an entry minus the offset. The label is given if
// it is above 0.
func (s *Sign) Border(entry int, point []float64) float64 {
	point = s.place(point)
	v := bias(point, s.models)
	for k, c := range s.columns {
		v += point[k] * float64(c[entry])
	}
	return v
}

// Score returns the score at a point.
func (s *Sign) Score(point []float64) float64 {
	m := s.memory()
	defer s.scratch.Put(m)
	s.signs(m.bits, m.sums, point)
	return s.scoreOf(m.bits)
}

// Outcome returns what each row comes to at the point, or at the point of its fold.
func (s *Sign) Outcome(points ...[]float64) Outcome {
	m := s.memory()
	defer s.scratch.Put(m)
	if s.options.together() {
		return rowCounts{s.whole, perFold(s.folds, points, func(point []float64) []metric.Counts {
			s.signs(m.bits, m.sums, point)
			rows := make([]metric.Counts, len(s.fixed))
			for r := range rows {
				rows[r] = s.rowCounts(m.bits, r)
			}
			return rows
		})}
	}
	return rowMeans(perFold(s.folds, points, func(point []float64) []float64 {
		s.signs(m.bits, m.sums, point)
		rows := make([]float64, len(s.fixed))
		for r := range rows {
			rows[r] = s.rowCounts(m.bits, r).FBeta(s.options.Beta)
		}
		return rows
	}))
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

// rowCounts returns the counts of row r; set holds the entries that are given.
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

// settled is the part of the score that no point changes.
type settled struct {
	rows   int
	sum    float64 // of the rows' F-betas
	counts metric.Counts
}

func (s *settled) add(c metric.Counts, beta float64) {
	s.rows++
	s.sum += c.FBeta(beta)
	s.counts.Add(c)
}

// scoreOf returns the score; bits holds the entries that are given.
func (s *Sign) scoreOf(bits []uint64) float64 {
	all := s.settled
	for r := range s.fixed {
		all.add(s.rowCounts(bits, r), s.options.Beta)
	}
	if s.options.together() {
		return s.whole(all.counts, all.rows)
	}
	return all.sum / float64(all.rows)
}

// together reports whether the score follows from the counts of all rows together.
func (o Options) together() bool { return o.Micro || o.MCC }

// whole returns the score of the counts of rows together.
func (s *Sign) whole(c metric.Counts, rows int) float64 {
	if s.options.MCC {
		return c.MCC(rows * s.width)
	}
	return c.FBeta(s.options.Beta)
}

// scratch is the memory of one computation.
type scratch struct {
	bits         []uint64
	sums, sums2  []float64
	states       []state
	events, more []event
}

// memory returns scratch memory from the pool.
func (s *Sign) memory() *scratch {
	if m, ok := s.scratch.Get().(*scratch); ok {
		return m
	}
	return &scratch{
		bits: make([]uint64, len(s.columns[0])/64+2), // one word more, for window
		sums: make([]float64, block), sums2: make([]float64, block),
		states: make([]state, len(s.fixed)),
	}
}

// Correlation returns Pearson's correlation of a model's predictions with the mean of
// the others', over all classes of every sixteenth row. It is NaN for a single model.
func (s *Sign) Correlation(model int) float64 { return s.moments.correlation(model) }

// Folds returns the number of folds.
func (s *Sign) Folds() int { return len(s.folds) - 1 }

// FoldStarts returns the first row of each fold, and after them the number of rows.
// The caller must not change it.
func (s *Sign) FoldStarts() []int { return s.folds }

// Drop returns the problem without one model. It shares the memory of s.
func (s *Sign) Drop(model int) Rows {
	return &Sign{
		options: s.options, set: s.set, models: s.models - 1, width: s.width,
		fixed: s.fixed, start: s.start, middle: s.middle, folds: s.folds, of: s.of, classes: s.classes,
		columns: append(append([][]float32(nil), s.columns[:model]...), s.columns[model+1:]...),
	}
}

// Select returns the problem of the rows of some folds, as a copy.
func (s *Sign) Select(folds ...int) Rows {
	sub := &Sign{options: s.options, set: s.set, models: s.models, width: s.width, start: []int{0}, folds: []int{0}}
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

// padded returns n rounded up to whole blocks.
func padded(n int) int { return (n + block - 1) / block * block }

// pad extends the columns to whole blocks.
func (s *Sign) pad() {
	for k, c := range s.columns {
		s.columns[k] = append(c, make([]float32, padded(len(s.of))-len(c))...)
	}
}
