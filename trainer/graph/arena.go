package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/layout"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
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
func (m *memory) size() int { return round(m.floats+simd.Slack, simd.Lanes) }

// place gives every memory its place in one arena, and returns the arena's length.
func place(all []*memory) int {
	lives := make([]layout.Life, len(all))
	for i, m := range all {
		lives[i] = layout.Life{Floats: m.size(), Birth: m.birth, Death: m.death}
	}
	at, floats := layout.Place(lives)
	for i, m := range all {
		m.at = at[i]
	}
	return floats
}
