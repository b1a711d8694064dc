package predict

import (
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// regions lends memory for weights, in pieces that any fold's file fits in. What
// is given back is lent again, as new memory costs more time than decrypting into
// it, and is taken from what the networks need. A piece that is never given back,
// of a read that hangs, is the garbage collector's.
type regions struct {
	size int64
	mu   sync.Mutex // guards free
	free [][]byte
}

// newRegions has pieces for all folds of the plan.
func newRegions(p *ensemble.Plan) *regions {
	r := &regions{}
	for _, m := range p.Models {
		for _, f := range m.Folds {
			r.size = max(r.size, f.Size)
		}
	}
	return r
}

// take lends a piece for so many bytes, whose content is anything.
func (r *regions) take(n int64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.free) - 1
	if last < 0 {
		return make([]byte, n, r.size)
	}
	piece := r.free[last]
	r.free = r.free[:last]
	return piece[:n]
}

// give takes a piece back. Nobody may use it any more.
func (r *regions) give(piece []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, piece)
}
