// Package engine runs networks on the CPU. It compiles a graph of runtime/nn with
// its weights into a program, and predicts with every core.
//
//	e, err := engine.Compile(graph, stateDict, engine.Options{})
//	err = e.Predict(ctx, images, logits)
//
// Images are float32 in NHWC order, normalized as the network expects. Logits are
// in row-major order, (N, classes).
//
// The logits of an image depend neither on the number of threads nor on the other
// images, bit for bit. With enough images, workers steal whole images, and each
// computes in its own memory, which the program lays out once. After the first
// calls, a prediction allocates nothing.
//
// Compile refuses weights that lack a tensor or have one of another shape, and
// names the tensor.
package engine

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Params provides the tensors of a state dict by name, in PyTorch's layout. Float32
// returns an error if there is no such tensor. The engine neither changes the data
// nor keeps it after [Compile]. It never calls Float32 concurrently.
type Params interface {
	Float32(name string) (data []float32, shape []int, err error)
}

// Options configures [Compile]. The zero value is the default.
type Options struct {
	// Threads is the number of worker goroutines; 0 means GOMAXPROCS.
	Threads int
	// SIMD is the set of routines to use. Nil selects the set that the
	// environment variable simd.Variable names, or the fastest one.
	SIMD *simd.Set
}

// ShapeError is returned when a tensor's shape is not the one the network needs.
type ShapeError struct {
	Param     string
	Want, Got []int
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("tensor %s has shape %v, the network needs %v", e.Param, e.Got, e.Want)
}

// Engine predicts with one network. It is safe for concurrent use, but runs one
// prediction at a time.
type Engine struct {
	program *program
	set     *simd.Set
	classes int
	mu      sync.Mutex // guards what follows
	workers []*worker
	job     job
}

// job is one call of Predict. The engine reuses it, and the workers' functions, so
// that a prediction allocates nothing.
type job struct {
	ctx            context.Context
	images, logits []float32
	whole          int          // number of images that workers compute alone
	next           atomic.Int64 // index of the next such image
	group          sync.WaitGroup
}

// worker computes one image, or one part of a step, at a time.
type worker struct {
	arena []float32
	scratch
	steal func() // computes whole images
	share func() // computes parts of one image
}

// Compile returns an engine for graph g with the weights p. It folds batch norms
// into convolutions and packs the weights for the SIMD routines.
//
// It returns a [*ShapeError] if a tensor does not fit, the error of p if a tensor
// is missing, and an error if simd.Variable names an unknown set.
func Compile(g *nn.Graph, p Params, o Options) (*Engine, error) {
	return CompileWith(Operations(), g, p, o)
}

// CompileWith is [Compile] with some operations only, at least the [Needed] ones. It
// returns an error if the network needs another one.
func CompileWith(ops []Operation, g *nn.Graph, p Params, o Options) (*Engine, error) {
	set := o.SIMD
	if set == nil {
		var err error
		if set, err = simd.Select(os.Getenv(simd.Variable)); err != nil {
			return nil, err
		}
	}
	program, err := newProgram(ops, g, p, set)
	if err != nil {
		return nil, err
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	e := &Engine{program: program, set: set, classes: g.Classes()}
	for range threads {
		w := new(worker)
		w.steal = func() { e.steal(w) }
		w.share = func() { e.share(w) }
		e.workers = append(e.workers, w)
	}
	return e, nil
}

// SIMD returns the name of the set of routines in use, e.g. "avx512".
func (e *Engine) SIMD() string { return e.set.Name }

// ArenaBytes returns the size of one worker's activations in bytes.
func (e *Engine) ArenaBytes() int { return 4 * e.program.arena }

// Predict computes the logits, (N, classes), of images, (N, H, W, C). It returns
// an error if the lengths do not fit the network. If the context ends, Predict
// stops before the next image and returns the context's error; the logits are then
// incomplete.
//
// With at least as many images as threads, each worker computes whole images. For
// the remaining ones, all workers share the steps of each image.
func (e *Engine) Predict(ctx context.Context, images, logits []float32) error {
	size := e.program.input.shape.Len()
	n := len(images) / size
	if len(images) != n*size || len(logits) != n*e.classes {
		return fmt.Errorf("predicting: %d values of images and %d logits: an image has %d values and %d logits", len(images), len(logits), size, e.classes)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	j := &e.job
	j.ctx, j.images, j.logits = ctx, images, logits
	defer func() { j.ctx, j.images, j.logits = nil, nil, nil }()
	j.whole = n / len(e.workers) * len(e.workers)
	if len(e.workers) > 1 && n-j.whole > len(e.workers)/2 {
		j.whole = n // the last round keeps more than half of the workers busy
	}
	j.next.Store(0)
	if j.whole > 0 {
		for _, w := range e.workers {
			w.grow(e.program)
			j.group.Add(1)
			go w.steal()
		}
		j.group.Wait()
	}
	for i := j.whole; i < n && ctx.Err() == nil; i++ {
		e.together(images[i*size:][:size], logits[i*e.classes:][:e.classes])
	}
	return ctx.Err()
}

// steal computes whole images until none is left.
func (e *Engine) steal(w *worker) {
	j := &e.job
	defer j.group.Done()
	size := e.program.input.shape.Len()
	for j.ctx.Err() == nil {
		i := int(j.next.Add(1)) - 1
		if i >= j.whole {
			return
		}
		e.program.enter(w.arena, j.images[i*size:][:size])
		for _, s := range e.program.steps {
			w.alone(s)
		}
		e.program.leave(w.arena, j.logits[i*e.classes:][:e.classes])
	}
}

// alone computes all parts of a step.
func (w *worker) alone(s step) {
	w.held = 0
	parts := s.parts(1)
	for part := range parts {
		s.run(w.arena, &w.scratch, part, parts)
	}
}

// sharing counts the parts of a step that workers have taken and finished.
type sharing struct{ next, done atomic.Int32 }

// together computes one image with all workers, in the arena of the first one.
func (e *Engine) together(image, logits []float32) {
	e.program.enter(e.workers[0].grow(e.program), image)
	for i := range e.program.shared {
		e.program.shared[i].next.Store(0)
		e.program.shared[i].done.Store(0)
	}
	for _, w := range e.workers[1:] {
		w.grow(e.program)
		e.job.group.Add(1)
		go w.share()
	}
	e.job.group.Add(1)
	e.share(e.workers[0])
	e.job.group.Wait()
	e.program.leave(e.workers[0].arena, logits)
}

// share computes parts of each step. Before the next step it waits until all parts
// are done. Steps are short, so it spins instead of sleeping.
func (e *Engine) share(w *worker) {
	defer e.job.group.Done()
	arena := e.workers[0].arena
	for i, s := range e.program.steps {
		shared, parts := &e.program.shared[i], s.parts(len(e.workers))
		w.held = 0
		for {
			part := int(shared.next.Add(1)) - 1
			if part >= parts {
				break
			}
			s.run(arena, &w.scratch, part, parts)
			shared.done.Add(1)
		}
		for spin := 0; int(shared.done.Load()) < parts; spin++ {
			if spin > patience {
				runtime.Gosched()
			}
		}
	}
}

// patience is the number of spins before a waiting worker yields to other
// goroutines, after a few microseconds.
const patience = 2000

// grow allocates the worker's memory on first use, and returns its arena.
func (w *worker) grow(p *program) []float32 {
	if w.arena == nil {
		w.arena, w.floats = newFloats(p.arena), newFloats(p.scratch)
	}
	return w.arena
}

// enter copies an image, (H, W, C), into the arena.
func (p *program) enter(arena, image []float32) {
	t := p.input
	clear(arena[t.at:][:t.size()])
	channels := t.shape.C
	for y := range t.h {
		for plane := range t.count() {
			line, first := t.line(arena, plane, y), plane*t.pixel
			for x := range t.w {
				copy(line[x*t.pixel:][:min(t.pixel, channels-first)], image[(y*t.w+x)*channels+first:])
			}
		}
	}
}

// leave copies the logits from the arena.
func (p *program) leave(arena, logits []float32) {
	t := p.output
	for i := range t.count() * simd.Lanes {
		if c := t.holds(i); c >= 0 {
			logits[c] = arena[t.base(i/simd.Lanes)+t.index(0, 0)+i%simd.Lanes]
		}
	}
}
