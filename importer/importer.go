// Package importer turns ONNX graphs into networks of runtime/nn.
//
//	m, err := onnx.Open("model.onnx")
//	n, err := importer.Import(ctx, m, importer.Options{InputSize: 224})
//	e, err := engine.Compile(n.Graph, n.Weights, engine.Options{})
//
// Import fixes the batch to one image and the input to a size. Package
// importer/reference then infers all shapes and folds all constants. What remains is
// matched by structure, never by names: several nodes may become one operation, and
// nodes that only move elements become none, or one rearrangement. A sigmoid or softmax at the end is left out
// and reported, because a network returns logits.
//
// Import refuses models with several inputs, and operations that runtime/nn does not
// have. It names all of them in one
// [reference.UnsupportedError].
package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Options holds what a model may leave open.
type Options struct {
	// InputSize is the height and width of the input. It may be 0 if the model
	// fixes them.
	InputSize int
	// InputWidth is the width if it is not InputSize.
	InputWidth int
	// Output is the name of the output to import. It may be "" if there is one.
	Output string
}

// Activation is the function that a model applies to its logits.
type Activation uint8

// The activations at the end of models.
const (
	Logits     Activation = iota // none
	Sigmoid                      // of each logit
	Softmax                      // over the logits
	LogSoftmax                   // the logarithm of Softmax
)

var activationNames = [...]string{"none", "sigmoid", "softmax", "log-softmax"}

// String returns the activation's name, "none" for logits.
func (a Activation) String() string { return activationNames[a] }

// Apply replaces the logits of one image by what the model returns.
func (a Activation) Apply(logits []float32) {
	if a == Logits || len(logits) == 0 {
		return
	}
	highest, sum := float64(slices.Max(logits)), 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - highest)
	}
	for i, v := range logits {
		switch x := float64(v); a {
		case Sigmoid:
			logits[i] = float32(1 / (1 + math.Exp(-x)))
		case Softmax:
			logits[i] = float32(math.Exp(x-highest) / sum)
		case LogSoftmax:
			logits[i] = float32(x - highest - math.Log(sum))
		}
	}
}

// Network is an imported model.
type Network struct {
	// Graph takes one image and returns the logits. An output of several axes is
	// flattened, the first axis slowest.
	Graph *nn.Graph
	// Weights holds the parameters of the graph, in the graph's order. Its metadata
	// are what a file needs to predict without the model: arch, "onnx:" and a hash
	// of the graph; graph, its text for [nn.ParseText]; input_size; classes;
	// activation; and mean and std if the model states them.
	Weights *weights.StateDict
	// Activation is what the model applies to the logits, and the graph does not.
	Activation Activation
	// ChannelsLast reports whether the model takes images as (N, H, W, C), not as
	// (N, C, H, W).
	ChannelsLast bool
	// OutputShape is the shape that the model's output has for one image.
	OutputShape []int
	// Steps says what each part of the model became, in the model's order.
	Steps []Step
}

// Step is a node of the model that ends a recognized part, and the network's nodes that
// the part became. There are none if it only renames axes.
type Step struct {
	Node   *onnx.Node
	Became []*nn.Node
}

// ErrInputSize is returned for models of any input size, if the options give none.
var ErrInputSize = errors.New("give the input size")

// Import returns the network that a model describes.
func Import(ctx context.Context, m *onnx.Model, o Options) (*Network, error) {
	in, err := inputOf(m.Graph, o)
	if err != nil {
		return nil, err
	}
	shapes := reference.Values{in.name: tensor.Unknown(onnx.Float32, in.shape())}
	values, err := reference.Infer(ctx, m, shapes)
	if err != nil {
		return nil, err
	}
	output, err := outputOf(m.Graph, o)
	if err != nil {
		return nil, err
	}
	n, err := newDrawing(ctx, m.Graph, values, in).network(output)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"mean", "std"} {
		if v, ok := m.Metadata[key]; ok {
			n.Weights.Metadata[key] = v
		}
	}
	return n, nil
}

// input is the image that a model takes.
type input struct {
	name  string
	image nn.Shape
	// last reports whether the channels are the last axis.
	last bool
}

func (in input) shape() []int {
	if in.last {
		return []int{1, in.image.H, in.image.W, in.image.C}
	}
	return []int{1, in.image.C, in.image.H, in.image.W}
}

// channels is the number of channels of an image.
const channels = 3

// inputOf returns the model's only input: an image of three channels.
func inputOf(g *onnx.Graph, o Options) (input, error) {
	if len(g.Inputs) != 1 {
		return input{}, fmt.Errorf("the model has %d inputs, and only models of one image can be imported", len(g.Inputs))
	}
	v := g.Inputs[0]
	if v.Type != onnx.Float32 || len(v.Shape) != 4 {
		return input{}, fmt.Errorf("the input %q is %v %v, not a batch of images: float32 [N 3 H W] or [N H W 3]", v.Name, v.Type, v.Shape)
	}
	in := input{name: v.Name, image: nn.Shape{C: channels}}
	space := v.Shape[2:]
	switch {
	case v.Shape[1].Size == channels || v.Shape[1].Size < 0 && v.Shape[3].Size != channels:
	case v.Shape[3].Size == channels:
		in.last, space = true, v.Shape[1:3]
	default:
		return in, fmt.Errorf("the input %q has the shape %v, and no axis of %d channels", v.Name, v.Shape, channels)
	}
	given := nn.HW{H: o.InputSize, W: cmp.Or(o.InputWidth, o.InputSize)}
	for i, side := range []struct {
		to    *int
		given int
	}{{&in.image.H, given.H}, {&in.image.W, given.W}} {
		switch fixed := space[i].Size; {
		case fixed < 0 && side.given == 0:
			return in, fmt.Errorf("the input %q has the shape %v, which leaves its size open: %w", v.Name, v.Shape, ErrInputSize)
		case fixed >= 0 && side.given != 0 && fixed != side.given:
			return in, fmt.Errorf("the input %q has the shape %v, which does not fit an input size of %d", v.Name, v.Shape, side.given)
		case fixed < 0:
			*side.to = side.given
		default:
			*side.to = fixed
		}
	}
	return in, nil
}

// outputOf returns the name of the output to import.
func outputOf(g *onnx.Graph, o Options) (string, error) {
	var names []string
	for _, v := range g.Outputs {
		if v.Name == o.Output || o.Output == "" && len(g.Outputs) == 1 {
			return v.Name, nil
		}
		names = append(names, v.Name)
	}
	if o.Output != "" {
		return "", fmt.Errorf("the model has no output %q; its outputs are %q", o.Output, names)
	}
	return "", hint.New(fmt.Errorf("the model has %d outputs: %q", len(names), names), "name the output that holds the logits")
}
