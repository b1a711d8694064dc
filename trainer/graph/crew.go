package graph

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

// crew is the goroutines that compute, and what they compute with.
type crew struct {
	*simd.Set
	training *routines.Set
	workers  []*worker
	// shared is memory of one operation, for what its parts make for another.
	shared []float32
	exact  []sums
}

// sums are those of a plane's channels, of one or two things.
type sums = [2][simd.Lanes]float64

// worker is one goroutine's memory, free at the beginning of each part.
type worker struct {
	scratch []float32
	used    int
	sums    [2]lane
	gemm    simd.GEMM
	windows simd.Windows
	grouped simd.Grouped
	grad    routines.GroupedGrad
	norm    routines.Norm
}

func newCrew(set *simd.Set, threads int) *crew {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	c := &crew{Set: set, training: routines.For(set)}
	for range threads {
		c.workers = append(c.workers, new(worker))
	}
	return c
}

// take returns n floats of the worker's memory, with simd.Slack behind them.
// They hold anything.
func (w *worker) take(n int) []float32 {
	n = round(n, simd.Lanes) + simd.Slack
	if w.used+n > len(w.scratch) {
		w.scratch, w.used = make([]float32, max(w.used+n, 2*len(w.scratch))), 0
	}
	s := w.scratch[w.used:][:n:n]
	w.used += n
	return s
}

// common returns n floats that all workers may use until the next call.
func (c *crew) common(n int) []float32 {
	if n > len(c.shared) {
		c.shared = make([]float32, n)
	}
	return c.shared[:n:n]
}

// zeros returns n sums that all workers may use until the next call.
func (c *crew) zeros(n int) []sums {
	if n > len(c.exact) {
		c.exact = make([]sums, n)
	}
	clear(c.exact[:n])
	return c.exact[:n]
}

// run computes parts 0 <= part < parts, and returns when all are done. A panic
// in a part is raised again here.
func (c *crew) run(parts int, f func(w *worker, part int)) {
	if parts == 0 {
		return
	}
	var next atomic.Int64
	var failed atomic.Pointer[string]
	work := func(w *worker) {
		defer func() {
			if r := recover(); r != nil {
				text := fmt.Sprintf("%v\n%s", r, debug.Stack())
				failed.CompareAndSwap(nil, &text)
			}
		}()
		for failed.Load() == nil {
			part := int(next.Add(1)) - 1
			if part >= parts {
				return
			}
			w.used = 0
			f(w, part)
		}
	}
	var group sync.WaitGroup
	for _, w := range c.workers[1:min(len(c.workers), parts)] {
		group.Go(func() { work(w) })
	}
	work(c.workers[0])
	group.Wait()
	if text := failed.Load(); text != nil {
		panic(*text)
	}
}

// round returns n rounded up to a multiple of unit.
func round(n, unit int) int { return (n + unit - 1) / unit * unit }

// split returns how many parts of about size pieces n of them make, and the
// bounds of one.
func split(n, size int) (parts int, bounds func(part int) (first, end int)) {
	return (n + size - 1) / size, func(part int) (int, int) { return part * size, min((part+1)*size, n) }
}
