package graph

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
)

// memory is a place in the arena and when it is in use.
type memory struct {
	floats       int
	at           int
	used         bool
	birth, death int // the first and last operation that touches it
	// holders counts the gradients that wait in this memory; more than one
	// where nodes share a gradient.
	holders int
}

func (m *memory) use(op int) {
	if !m.used {
		m.used, m.birth = true, op
	}
	m.death = op
}

// size returns the floats that the memory takes, with what kernels may read
// behind it.
func (m *memory) size() int { return round(m.floats+kernel.Slack, kernel.Lanes) }

// place gives every memory a place in one arena, such that those in use at once
// don't overlap, and returns the arena's length: larger ones choose first, the
// lowest gap that fits (Pisarchyk and Lee, "Efficient Memory Management for
// Deep Neural Net Inference", 2020, section 5.1: greedy by size).
func place(all []*memory) int {
	bySize := slices.Clone(all)
	slices.SortStableFunc(bySize, func(a, b *memory) int { return b.floats - a.floats })
	var placed []*memory // by place
	end := 0
	for _, m := range bySize {
		m.at = 0
		for _, p := range placed {
			if p.birth > m.death || p.death < m.birth {
				continue
			}
			if m.at+m.size() <= p.at {
				break
			}
			m.at = max(m.at, p.at+p.size())
		}
		i, _ := slices.BinarySearchFunc(placed, m, func(a, b *memory) int { return a.at - b.at })
		placed = slices.Insert(placed, i, m)
		end = max(end, m.at+m.size())
	}
	return end
}
