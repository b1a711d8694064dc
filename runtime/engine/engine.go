// Package engine runs networks: it compiles a graph of runtime/nn with its
// weights into a plan, and predicts with every core.
//
//	e, err := engine.Compile(graph, stateDict, engine.Options{})
//	err = e.Predict(ctx, images, logits)
//
// Images are NHWC float32, normalised; logits are row-major. Workers steal
// whole images, each with memory of its own that is planned once, so the result
// of an image depends neither on the number of threads nor on the images beside
// it, bit for bit. It refuses weights that lack a tensor or have one of another
// shape, and names it.
package engine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// Params gives the tensors of a state dict by name. The engine doesn't change
// the data, nor keep it after Compile.
type Params interface {
	Float32(name string) (data []float32, shape []int, err error)
}

// Options are the choices of [Compile]; the zero value is the default.
type Options struct {
	// Threads is how many images are computed at once; 0 means one a core.
	Threads int
}

// ShapeError tells that a tensor does not fit the network.
type ShapeError struct {
	Param     string
	Want, Got []int
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("tensor %s has shape %v, the network needs %v", e.Param, e.Got, e.Want)
}

// Engine predicts with one network. It may be used by several goroutines, which
// then wait for one another.
type Engine struct {
	graph   *nn.Graph
	mu      sync.Mutex
	workers []*interpreter
}

// Compile prepares the network for running.
func Compile(g *nn.Graph, p Params, o Options) (*Engine, error) {
	tensors := map[string][]float32{}
	for _, param := range g.Params() {
		data, shape, err := p.Float32(param.Name)
		if err != nil {
			return nil, fmt.Errorf("loading tensor %s: %w", param.Name, err)
		}
		if !slices.Equal(shape, param.Shape) {
			return nil, &ShapeError{Param: param.Name, Want: param.Shape, Got: shape}
		}
		tensors[param.Name] = data
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	e := &Engine{graph: g}
	for range threads {
		e.workers = append(e.workers, newInterpreter(g, tensors))
	}
	return e, nil
}

// Predict computes the logits, (N, classes), of images, (N, H, W, C). When the
// context ends, it stops between two images and returns the context's error.
func (e *Engine) Predict(ctx context.Context, images, logits []float32) error {
	size, classes := e.graph.Input.Shape.Len(), e.graph.Classes()
	n := len(images) / size
	if len(images) != n*size || len(logits) != n*classes {
		return fmt.Errorf("predicting: %d values of images and %d logits: an image has %d values and %d logits", len(images), len(logits), size, classes)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var next atomic.Int64
	var group sync.WaitGroup
	for _, w := range e.workers[:min(len(e.workers), n)] {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				w.run(images[i*size:][:size])
				copy(logits[i*classes:][:classes], w.out[e.graph.Output.ID])
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// Modules computes one image, (H, W, C), and visits the output of every module
// that the graph names, as NHWC without the N. The slices are valid during the
// visit only.
func (e *Engine) Modules(image []float32, visit func(name string, shape nn.Shape, nhwc []float32)) error {
	if len(image) != e.graph.Input.Shape.Len() {
		return fmt.Errorf("predicting: an image of %d values, the network needs %d", len(image), e.graph.Input.Shape.Len())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.workers[0]
	w.run(image)
	for _, m := range e.graph.Modules {
		visit(m.Name, m.Node.Shape, w.out[m.Node.ID])
	}
	return nil
}
