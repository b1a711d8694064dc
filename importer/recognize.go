package importer

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// recognizers holds for each operator what its node becomes.
var recognizers map[string]func(*drawing, *onnx.Node) (part, error)

func init() {
	recognizers = map[string]func(*drawing, *onnx.Node) (part, error){
		"Add": (*drawing).sum, "Sub": (*drawing).sum, "Mul": (*drawing).product, "Div": (*drawing).product,
		"Neg": (*drawing).affine, "BatchNormalization": (*drawing).batchNorm,
		"LayerNormalization": (*drawing).layerNorm,
		"Conv":               (*drawing).conv, "Gemm": (*drawing).gemm, "MatMul": (*drawing).matMul,
		"MaxPool": (*drawing).pool, "AveragePool": (*drawing).pool,
		"GlobalAveragePool": (*drawing).globalPool, "GlobalMaxPool": (*drawing).globalPool,
		"ReduceMean": (*drawing).reduce, "ReduceMax": (*drawing).reduce,
		"Concat": (*drawing).concat, "Pad": (*drawing).pad, "Slice": (*drawing).slice,
		"Clip":    (*drawing).clip,
		"Relu":    simple((*nn.Builder).ReLU),
		"Sigmoid": simple((*nn.Builder).Sigmoid),
		"Reshape": (*drawing).reshape, "Flatten": (*drawing).reshape, "Squeeze": (*drawing).reshape,
		"Unsqueeze": (*drawing).reshape, "Expand": (*drawing).reshape, "Transpose": (*drawing).transpose,
	}
	for op := range direct {
		recognizers[op] = (*drawing).activation
	}
}

// recognize returns the part that makes an output of a node.
func (d *drawing) recognize(n *onnx.Node, name string) (part, error) {
	if x, a, ok := d.composedActivation(n); ok {
		return d.activate(x, a), nil
	}
	if x, norm, ok := d.composedNorm(n); ok {
		return part{[]string{x}, func(in []*value) (*value, error) {
			c := in[0].node.Shape.C
			return d.drawNorm(in[0], norm, "", slices.Repeat([]float64{1}, c), make([]float64, c))
		}}, nil
	}
	if n.Op == "Split" && n.Domain == "" {
		return d.split(n, name)
	}
	f := recognizers[n.Op]
	if f == nil || n.Domain != "" {
		return part{}, fmt.Errorf("networks have no such operation yet")
	}
	if name != n.Outputs[0] {
		return part{}, fmt.Errorf("only its first output is supported")
	}
	return f(d, n)
}

// simple recognizes an operation that treats all elements alike.
func simple(draw func(*nn.Builder, *nn.Node) *nn.Node) func(*drawing, *onnx.Node) (part, error) {
	return func(d *drawing, n *onnx.Node) (part, error) {
		return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
			return in[0].with(draw(d.b, in[0].node)), nil
		}}, nil
	}
}

// reshape only groups axes anew. The shape is the one that was inferred.
func (d *drawing) reshape(n *onnx.Node) (part, error) {
	shape := d.values[n.Outputs[0]].Shape
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) { return in[0].reshape(shape) }}, nil
}

func (d *drawing) transpose(n *onnx.Node) (part, error) {
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		perm := make([]int, len(in[0].axes))
		for i := range perm {
			perm[i] = len(perm) - 1 - i
		}
		if a := n.Attribute("perm"); a != nil {
			for i, p := range a.Ints {
				perm[i] = int(p)
				if p < 0 {
					perm[i] += len(perm)
				}
			}
		}
		return in[0].permute(perm), nil
	}}, nil
}

// integers returns an attribute, or n times otherwise if it is left out.
func integers(node *onnx.Node, name string, n, otherwise int) []int {
	a := node.Attribute(name)
	out := make([]int, n)
	for i := range out {
		if out[i] = otherwise; a != nil && i < len(a.Ints) {
			out[i] = int(a.Ints[i])
		}
	}
	return out
}

// integer returns an attribute, or otherwise if it is left out.
func integer(node *onnx.Node, name string, otherwise int) int {
	if a := node.Attribute(name); a != nil {
		return int(a.Int)
	}
	return otherwise
}

// float returns an attribute, or otherwise if it is left out.
func float(node *onnx.Node, name string, otherwise float64) float64 {
	if a := node.Attribute(name); a != nil {
		return decimal(a.Float)
	}
	return otherwise
}

// decimal returns the number that was rounded to a float32, if it has few digits:
// frameworks compute with 1e-5, and files hold 9.99999975e-06.
func decimal(v float64) float64 {
	exact, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64)
	if err != nil {
		return v
	}
	return exact
}
