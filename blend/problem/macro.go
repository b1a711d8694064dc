package problem

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

// Macro is the problem of the macro F-beta: the mean over classes of the F-beta of
// each. It holds the entries twice: by row, and by class. The mean over classes is that
// of a [Sign] whose rows are the classes.
type Macro struct {
	rows *Sign
	sure [][]mark // by row, the entries that pruning dropped and that are given or true
	by   *Sign    // the entries by class
}

// mark is an entry of a row that is given or true: 4 x class, + 2 if it is given, + 1
// if it is true.
type mark uint32

func newMark(class int, given, truth uint64) mark { return mark(uint64(class)<<2 | given<<1 | truth) }

func (m mark) class() int { return int(m >> 2) }

// add adds the mark n times to the counts of its class.
func (m mark) add(c *metric.Counts, n int) {
	given, truth := int(m>>1&1), int(m&1)
	c.Hits += n * (given & truth)
	c.Given += n * given
	c.True += n * truth
}

// ReadMacro reads and prunes the predictions of a set as [ReadSign] does. It ignores
// Options.Micro and Options.MCC.
func ReadMacro(ctx context.Context, set *oof.Set, o Options, progress func(values int)) (*Macro, error) {
	o.MCC, o.Micro = false, true // rows without true labels count
	sure := make([][][]mark, set.Truth.Folds)
	s, err := readSign(ctx, set, o, progress, func(fold int, marks []mark) { sure[fold] = append(sure[fold], marks) })
	if err != nil {
		return nil, err
	}
	var all [][]mark
	for _, rows := range sure {
		all = append(all, rows...)
	}
	return newMacro(s, all, set.Classes), nil
}

// newMacro groups the entries of rows by class.
func newMacro(rows *Sign, sure [][]mark, classes int) *Macro {
	options := rows.options
	options.Micro = false
	by := &Sign{
		options: options, set: rows.set, models: rows.models, width: len(rows.fixed),
		fixed: make([]counts, classes), start: make([]int, 1, classes+1), folds: []int{0, classes},
	}
	for _, marks := range sure {
		for _, m := range marks {
			c := metric.Counts{}
			m.add(&c, 1)
			f := &by.fixed[m.class()]
			f.hits, f.given, f.truth = f.hits+uint32(c.Hits), f.given+uint32(c.Given), f.truth+uint32(c.True)
		}
	}
	var sides [2][][]int32 // by truth and class, the entries
	sides[0], sides[1] = make([][]int32, classes), make([][]int32, classes)
	for i, of := range rows.of {
		c := rows.classes[i]
		sides[of&1][c] = append(sides[of&1][c], int32(i))
		by.fixed[c].truth += of & 1
	}
	by.columns = make([][]float32, rows.models)
	add := func(entries []int32, of uint32) {
		for _, i := range entries {
			by.of = append(by.of, of)
			for k, column := range rows.columns {
				by.columns[k] = append(by.columns[k], column[i])
			}
		}
	}
	for c := range classes {
		add(sides[1][c], uint32(c)<<1|1)
		by.middle = append(by.middle, len(by.of))
		if by.fixed[c].truth > 0 { // otherwise it always scores 0
			add(sides[0][c], uint32(c)<<1)
		}
		by.start = append(by.start, len(by.of))
	}
	by.classes = make([]uint16, len(by.of)) // not used
	by.pad()
	return &Macro{rows, sure, by}
}

// Models returns the number of coefficients of a point.
func (m *Macro) Models() int { return m.rows.models }

// MaxOffset returns the bound of the offset, 0 if points have none.
func (m *Macro) MaxOffset() float64 { return m.rows.MaxOffset() }

// Rows returns the number of rows.
func (m *Macro) Rows() int { return m.rows.Rows() }

// Entries returns the number of entries that pruning left.
func (m *Macro) Entries() int { return m.rows.Entries() }

// Folds returns the number of folds.
func (m *Macro) Folds() int { return m.rows.Folds() }

// FoldStarts returns the first row of each fold, and after them the number of rows.
func (m *Macro) FoldStarts() []int { return m.rows.FoldStarts() }

// Correlation is like [Sign.Correlation].
func (m *Macro) Correlation(model int) float64 { return m.rows.Correlation(model) }

// Score returns the score at a point.
func (m *Macro) Score(point []float64) float64 { return m.by.Score(point) }

// Line is like [Sign.Line].
func (m *Macro) Line(u, v []float64) Best { return m.by.Line(u, v) }

// Around is like [Sign.Around].
func (m *Macro) Around(center []float64, radius float64) Problem { return m.by.Around(center, radius) }

// Borders is like [Sign.Borders].
func (m *Macro) Borders() int { return m.by.Borders() }

// Border is like [Sign.Border].
func (m *Macro) Border(i int, point []float64) float64 { return m.by.Border(i, point) }

// Select returns the problem of the rows of some folds, as a copy.
func (m *Macro) Select(folds ...int) Rows {
	var sure [][]mark
	starts := m.FoldStarts()
	for _, f := range folds {
		sure = append(sure, m.sure[starts[f]:starts[f+1]]...)
	}
	return newMacro(m.rows.Select(folds...).(*Sign), sure, len(m.by.fixed))
}

// Drop returns the problem without one model.
func (m *Macro) Drop(model int) Rows {
	return newMacro(m.rows.Drop(model).(*Sign), m.sure, len(m.by.fixed))
}

// Outcome returns the labels of each row at the point, or at the point of its fold.
func (m *Macro) Outcome(points ...[]float64) Outcome {
	s := m.rows
	memory := s.memory()
	defer s.scratch.Put(memory)
	return rowMarks{s.options.Beta, len(m.by.fixed), perFold(s.folds, points, func(point []float64) [][]mark {
		s.signs(memory.bits, memory.sums, point)
		rows := make([][]mark, len(s.fixed))
		for r := range rows {
			rows[r] = append(rows[r], m.sure[r]...)
			for i := s.start[r]; i < s.start[r+1]; i++ {
				given := memory.bits[i/64] >> (i % 64) & 1
				if k := newMark(int(s.classes[i]), given, uint64(s.of[i]&1)); k&3 > 0 {
					rows[r] = append(rows[r], k)
				}
			}
		}
		return rows
	})}
}

// rowMarks holds the entries of each row that are given or true.
type rowMarks struct {
	beta    float64
	classes int
	rows    [][]mark
}

func (o rowMarks) Score(times []int) float64 {
	counts := make([]metric.Counts, o.classes)
	for i, t := range times {
		if t == 0 {
			continue
		}
		for _, m := range o.rows[i] {
			m.add(&counts[m.class()], t)
		}
	}
	sum := 0.0
	for _, c := range counts {
		sum += c.FBeta(o.beta)
	}
	return sum / float64(o.classes)
}
