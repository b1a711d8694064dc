package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/layout"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// memory is a place in the arena, and the operations during which it is in use.
type memory struct {
	floats       int
	at           int
	used         bool
	birth, death int // the first and last operation that uses it
	// holders counts the nodes whose pending gradient lies in this memory.
	holders int
}

// use extends the life of m to operation op.
func (m *memory) use(op int) {
	if !m.used {
		m.used, m.birth = true, op
	}
	m.death = op
}

// size returns the floats that the memory takes, including the slack behind the data.
func (m *memory) size() int { return round(m.floats+simd.Slack, simd.Lanes) }

// place assigns every memory its place in one arena, and returns the arena's length in
// floats. Memories that are in use at the same time do not overlap.
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
