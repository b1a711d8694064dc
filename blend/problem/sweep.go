package problem

import "github.com/deploy-kernel/deploy-kernel/metric"

// sweep collects the places of a line where a row gets another class or grade.
type sweep struct {
	// What the rows get at u, just beside u, and at v.
	first, beside, last *metric.Confusion

	turns  []turn
	places []event // with the number of the turn in the low half
}

// turn is the change of what a row gets.
type turn struct{ truth, from, to int32 }

// move adds a turn at a place from 0 to 1. Turns of one row must come in their order.
func (s *sweep) move(place float64, t turn) {
	if t.from != t.to {
		s.places = append(s.places, min(uint64(place*unit), unit-1)<<32|uint64(len(s.turns)))
		s.turns = append(s.turns, t)
	}
}

// best passes the turns in order and returns the best point of the line.
func (s *sweep) best(m metric.Metric) Best {
	memory := scratch{events: s.places}
	sortEvents(&memory)
	b := best{score: m.Confused(s.first), begin: true}
	c, last := s.beside, uint64(0)
	for _, e := range memory.events {
		if p := place(e); p != last {
			b.offer(m.Confused(c), last, p)
			last = p
		}
		t := s.turns[uint32(e)]
		c.Add(int(t.truth), int(t.from), -1)
		c.Add(int(t.truth), int(t.to), 1)
	}
	b.offer(m.Confused(c), last, end)
	if v := m.Confused(s.last); v > b.score || v == b.score && !b.begin && b.to == end {
		return Best{1, v}
	}
	return b.result()
}
