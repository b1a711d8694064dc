package problem

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
)

// event is a place on a line where the sign of an entry changes:
//
//	bits 32..63  the place, in units of 2^-32 of the line's length
//	bits  2..31  the row
//	bit   1      1 if the entry is true
//	bit   0      1 if the entry is given after the place, 0 if before
type event = uint64

const (
	unit = vector.Unit
	// narrow is the length below which a piece is skipped. Rounding may create such
	// pieces from changes at one place.
	narrow = 4
)

func place(e event) uint64 { return e >> 32 }

// Line returns the best point between u and v, two points whose coefficients sum to
// 1.
//
// The weighted sum of an entry is linear along the line, so its sign changes at most
// once, at a quotient. The score is constant between two changes. Line sorts the
// changes and sweeps them. Each one changes the counts of one row, hence the score by
// the difference of that row's F-beta. So Line sees every score on the line, in O(E M
// + C log C) for E entries, M models and C changes; radix sort makes that O(E M + C).
//
// Both ends count as well: where a prediction is exactly 0, an end can beat its
// surroundings. Line skips pieces shorter than 2^-30 of the line. It returns the
// middle of the best piece, or an end that this piece reaches, where a model may have
// coefficient 0.
func (s *Sign) Line(u, v []float64) Best {
	m := s.memory()
	defer s.scratch.Put(m)
	s.changes(m, u, v)
	sortEvents(m)
	if s.options.together() {
		return s.sweepWhole(m)
	}
	return s.sweepRows(m)
}

// changes collects the events of a line and sets the bits of the entries given at u.
func (s *Sign) changes(m *scratch, u, v []float64) {
	u, v = s.place(u), s.place(v)
	from, to := bias(u, s.models), bias(v, s.models)
	n := 0
	for at := 0; at < len(s.of); at += block {
		s.set.Dot(m.sums, s.columns, at, u[:s.models], from)
		s.set.Dot(m.sums2, s.columns, at, v[:s.models], to)
		s.set.Positive(m.bits[at/64:(at+block)/64], m.sums)
		m.events = slices.Grow(m.events[:n], block+8)
		n += s.set.Cross(m.events[n:cap(m.events)], m.sums, m.sums2, s.of[at:min(at+block, len(s.of))])
	}
	m.events = m.events[:n]
}

// best is the best piece of a line so far.
type best struct {
	score    float64
	from, to uint64
	begin    bool // the piece begins at u
}

// offer takes a piece if it is better, or as good and longer.
func (b *best) offer(score float64, from, to uint64) {
	if to-from < narrow && to < unit {
		return
	}
	if score > b.score || score == b.score && !b.begin && to-from > b.to-b.from {
		*b = best{score: score, from: from, to: to}
	}
}

// result returns the point of the best piece.
func (b *best) result() Best {
	switch {
	case b.begin:
		return Best{0, b.score}
	case b.to == unit: // the changes at v itself came before
		return Best{1, b.score}
	}
	return Best{(float64(b.from) + float64(b.to)) / 2 / unit, b.score}
}

// sweepRows sweeps the sorted events for a mean over rows.
func (s *Sign) sweepRows(m *scratch) Best {
	beta := s.options.Beta * s.options.Beta
	sum := s.settled.sum / (1 + beta) // sum of hits / (beta² true + given)
	for r := range s.fixed {
		c := s.rowCounts(m.bits, r)
		now := &m.states[r]
		*now = state{hits: uint32(c.Hits), given: uint32(c.Given), base: beta * float64(c.True)}
		if c.Hits > 0 {
			now.ratio = float64(c.Hits) / (now.base + float64(c.Given))
			sum += now.ratio
		}
	}
	b := best{score: sum, begin: true}
	last := uint64(0)
	for _, e := range m.events {
		if p := place(e); p != last {
			b.offer(sum, last, p)
			last = p
		}
		c := &m.states[uint32(e)>>2]
		step := uint32(e&1)*2 - 1 // 1 or -1
		c.given += step
		c.hits += step & -uint32(e>>1&1)
		before := c.ratio
		c.ratio = float64(c.hits) / (c.base + float64(c.given)) // base is above 0, as rows without true labels have no entries
		sum += c.ratio - before
	}
	b.offer(sum, last, unit)
	r := b.result()
	r.Score *= (1 + beta) / float64(len(s.fixed)+s.settled.rows)
	return r
}

// state describes a row at a place of a line.
type state struct {
	ratio, base float64
	hits, given uint32
}

// sweepWhole sweeps the sorted events for a score of all rows together.
func (s *Sign) sweepWhole(m *scratch) Best {
	c, rows := s.settled.counts, s.settled.rows+len(s.fixed)
	for r := range s.fixed {
		c.Add(s.rowCounts(m.bits, r))
	}
	b := best{score: s.whole(c, rows), begin: true}
	last := uint64(0)
	for _, e := range m.events {
		if p := place(e); p != last {
			b.offer(s.whole(c, rows), last, p)
			last = p
		}
		step := int(e&1)*2 - 1
		c.Given += step
		c.Hits += step * int(e>>1&1)
	}
	b.offer(s.whole(c, rows), last, unit)
	return b.result()
}
