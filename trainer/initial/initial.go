// Package initial makes the weights that a training begins with.
//
//	dict := initial.Random(g, seed)
//	dict, err := initial.Pretrained(g, file, seed) // its last layer is new
//	dict, err := initial.Same(g, file)
//
// Random weights of convolutions are normal with variance 2/fan-in (He et al., arXiv
// 1502.01852). Those of linear layers are uniform within ±1/sqrt(fan-in), as PyTorch's.
// Norms are the identity, biases are 0, layer scales 1e-6. The weights depend only on the seed and the
// names of the tensors.
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

// Source is a file of weights, such as *weightfile.File.
type Source interface {
	Float32(name string) (data []float32, shape []int, err error)
	Has(name string) bool
}

// Random returns random weights, with the counters num_batches_tracked of batch norms.
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

// layerScale is the initial factor of layer scales: the residual branches of a deep
// network begin near zero (Touvron et al., arXiv 2103.17239; ConvNeXt's value).
const layerScale = 1e-6

// random returns the random values of one parameter.
func random(p nn.Param, seed uint64) weights.Tensor {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	v := make([]float32, n)
	switch {
	case p.Role == nn.RunningMean, p.Role == nn.Bias: // zero
	case p.Role == nn.Gamma:
		for i := range v {
			v[i] = layerScale
		}
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

// Same returns all weights of g from a file. Its error lists tensors that are missing or
// have another shape.
func Same(g *nn.Graph, file Source) (*weights.StateDict, error) {
	return load(g, file, 0, func(string) bool { return false })
}

// Pretrained returns the weights of g from a file of another task, but a random last
// layer. Its error lists tensors that are missing or have another shape.
func Pretrained(g *nn.Graph, file Source, seed uint64) (*weights.StateDict, error) {
	head := Head(g)
	return load(g, file, seed, func(name string) bool { return strings.HasPrefix(name, head) })
}

// Head returns the prefix of the names of the last layer's parameters.
func Head(g *nn.Graph) string { return g.Output.Name + "." }

// SetBias sets the bias of the last layer. It refuses a network whose last layer has no
// bias of this length.
func SetBias(g *nn.Graph, dict *weights.StateDict, bias []float32) error {
	name := Head(g) + nn.Bias.String()
	for i, t := range dict.Tensors {
		if t.Name == name && slices.Equal(t.Shape, []int{len(bias)}) {
			dict.Tensors[i] = weights.NewFloat32(name, t.Shape, bias)
			return nil
		}
	}
	return fmt.Errorf("the network has no tensor %s of %d values", name, len(bias))
}

// maxListed limits the mismatches that an error lists.
const maxListed = 3

// load returns the tensors of the file. Those for which fresh reports true are random.
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
	if n := len(wrong) - maxListed; n > 0 {
		wrong = append(wrong[:maxListed], fmt.Errorf("and %d more tensors don't fit", n))
	}
	return dict, errors.Join(wrong...)
}
