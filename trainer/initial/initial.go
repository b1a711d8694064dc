// Package initial gives a network the weights that its training begins with.
//
//	dict := initial.Random(g, seed)
//	dict, err := initial.Pretrained(g, file, seed) // its last layer is new
//	dict, err := initial.Same(g, file)
//
// Random weights are He's for networks of rectifiers: normal, of variance
// 2/fan-in, in convolutions (He et al., arXiv 1502.01852); uniform within
// 1/sqrt(fan-in) in linear layers, as PyTorch's; batch norms are the identity.
// They depend on the seed and on the names of the tensors only.
package initial

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Source is a file of weights.
type Source interface {
	Float32(name string) (data []float32, shape []int, err error)
	Has(name string) bool
}

// Random returns weights to begin anew with, with the counters of batch norms.
func Random(g *nn.Graph, seed uint64) *weights.StateDict {
	dict := &weights.StateDict{}
	for _, p := range g.Params() {
		dict.Tensors = append(dict.Tensors, random(p, seed))
		if p.Role == nn.RunningVar {
			name := strings.TrimSuffix(p.Name, nn.RunningVar.String()) + "num_batches_tracked"
			dict.Tensors = append(dict.Tensors, weights.Tensor{Name: name, DType: weights.I64, Shape: []int{}, Data: make([]byte, 8)})
		}
	}
	return dict
}

func random(p nn.Param, seed uint64) weights.Tensor {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	v := make([]float32, n)
	switch {
	case p.Role == nn.RunningMean, p.Role == nn.Bias: // zero
	case len(p.Shape) == 1:
		for i := range v {
			v[i] = 1
		}
	default:
		h := fnv.New64a()
		h.Write([]byte(p.Name))
		rng := rand.New(rand.NewPCG(seed, h.Sum64()))
		fanIn := float64(n / p.Shape[0])
		for i := range v {
			if len(p.Shape) == 2 {
				v[i] = float32((2*rng.Float64() - 1) / math.Sqrt(fanIn))
			} else {
				v[i] = float32(rng.NormFloat64() * math.Sqrt(2/fanIn))
			}
		}
	}
	return weights.NewFloat32(p.Name, p.Shape, v)
}

// Same returns the weights of a file for the network they were trained in.
func Same(g *nn.Graph, file Source) (*weights.StateDict, error) {
	return load(g, file, 0, func(string) bool { return false })
}

// Pretrained returns the weights of a file for the same network with another
// task: its last layer is random.
func Pretrained(g *nn.Graph, file Source, seed uint64) (*weights.StateDict, error) {
	head := Head(g)
	return load(g, file, seed, func(name string) bool { return strings.HasPrefix(name, head) })
}

// Head returns how the names of the last layer's parameters begin.
func Head(g *nn.Graph) string { return g.Output.Name + "." }

// maxTold is how many tensors that don't fit are named.
const maxTold = 3

// load takes every tensor from the file but those that are to be new.
func load(g *nn.Graph, file Source, seed uint64, fresh func(name string) bool) (*weights.StateDict, error) {
	dict := Random(g, seed)
	var wrong []error
	for i, t := range dict.Tensors {
		if !t.DType.Float() || fresh(t.Name) {
			continue
		}
		if !file.Has(t.Name) {
			wrong = append(wrong, fmt.Errorf("there is no tensor %s", t.Name))
			continue
		}
		v, shape, err := file.Float32(t.Name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(shape, t.Shape) {
			wrong = append(wrong, fmt.Errorf("%s has shape %v, the network needs %v", t.Name, shape, t.Shape))
			continue
		}
		dict.Tensors[i] = weights.NewFloat32(t.Name, t.Shape, v)
	}
	if n := len(wrong) - maxTold; n > 0 {
		wrong = append(wrong[:maxTold], fmt.Errorf("and %d more tensors don't fit", n))
	}
	return dict, errors.Join(wrong...)
}
