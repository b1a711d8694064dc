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

// crew computes operations on several goroutines. It holds their SIMD routines and memory.
type crew struct {
	*simd.Set
	training *routines.Set
	workers  []*worker
	// shared is memory that all parts of one operation use.
	shared []float32
	exact  []sums
}

// sums holds two sums for each channel of a plane.
type sums = [2][simd.Lanes]float64

// worker is the memory of one goroutine. It is free again at the start of each part.
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

// newCrew returns a crew of so many threads; 0 means one for each core.
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

// take returns n floats of the worker's memory and simd.Slack behind them, with arbitrary
// values.
func (w *worker) take(n int) []float32 {
	n = round(n, simd.Lanes) + simd.Slack
	if w.used+n > len(w.scratch) {
		w.scratch, w.used = make([]float32, max(w.used+n, 2*len(w.scratch))), 0
	}
	s := w.scratch[w.used:][:n:n]
	w.used += n
	return s
}

// common returns n floats, with arbitrary values, that all workers may use until the next
// call.
func (c *crew) common(n int) []float32 {
	if n > len(c.shared) {
		c.shared = make([]float32, n)
	}
	return c.shared[:n:n]
}

// zeros returns n sums of zero that all workers may use until the next call.
func (c *crew) zeros(n int) []sums {
	if n > len(c.exact) {
		c.exact = make([]sums, n)
	}
	clear(c.exact[:n])
	return c.exact[:n]
}

// run calls f in parallel for every part from 0 to parts-1, and waits for all. It panics
// if f does.
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

// split divides n items into parts of size items; the last part may be smaller. It returns
// the number of parts and a function for the bounds of one.
func split(n, size int) (parts int, bounds func(part int) (first, end int)) {
	return (n + size - 1) / size, func(part int) (int, int) { return part * size, min((part+1)*size, n) }
}
