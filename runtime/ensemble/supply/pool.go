package supply

import (
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// pool lends buffers for weights, each large enough for any fold of the plan. Reuse
// saves time and memory: the system must clear new pages, which takes longer than
// decrypting into them. The garbage collector frees a buffer that never comes back,
// because its read hangs.
type pool struct {
	size int64 // capacity of a buffer, in bytes
	mu   sync.Mutex
	free [][]byte // guarded by mu
}

func newPool(p *ensemble.Plan) *pool {
	s := &pool{}
	for _, m := range p.Models {
		for _, f := range m.Folds {
			s.size = max(s.size, f.Size)
		}
	}
	return s
}

// take returns a buffer of n bytes with arbitrary contents.
func (s *pool) take(n int64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.free) - 1
	if last < 0 {
		return make([]byte, n, s.size)
	}
	buffer := s.free[last]
	s.free = s.free[:last]
	return buffer[:n]
}

// give takes back a buffer, which the caller no longer uses.
func (s *pool) give(buffer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, buffer)
}
