package optim

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel runs the pieces on that many goroutines; 0 means one a core.
func parallel(threads int, pieces []func()) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(threads, len(pieces)) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(pieces) {
					return
				}
				pieces[i]()
			}
		})
	}
	group.Wait()
}
