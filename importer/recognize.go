package importer

import (
	"fmt"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// recognizers holds for each operator what its node becomes.
var recognizers map[string]func(*drawing, *onnx.Node) (part, error)

func init() {
	recognizers = map[string]func(*drawing, *onnx.Node) (part, error){
		"Add": (*drawing).arithmetic, "Sub": (*drawing).arithmetic, "Mul": (*drawing).arithmetic, "Div": (*drawing).arithmetic,
		"Max": (*drawing).extreme, "Min": (*drawing).extreme, "Sum": (*drawing).total,
		"Neg": (*drawing).affine, "BatchNormalization": (*drawing).batchNorm, "PRelu": (*drawing).prelu, "Pow": (*drawing).power,
		"LayerNormalization": (*drawing).layerNorm, "InstanceNormalization": (*drawing).instanceNorm,
		"GroupNormalization": (*drawing).instanceNorm,
		"Conv":               (*drawing).conv, "Gemm": (*drawing).gemm, "MatMul": (*drawing).matMul, "Attention": (*drawing).attentionNode,
		"RMSNormalization": (*drawing).rmsNorm, "LpNormalization": (*drawing).lpNorm, "LRN": (*drawing).lrn, "Selu": (*drawing).selu,
		"Softmax": (*drawing).softmax, "LogSoftmax": (*drawing).softmax,
		"ConvTranspose": (*drawing).convTranspose, "Resize": (*drawing).resize, "Upsample": (*drawing).resize,
		"MaxPool": (*drawing).pool, "AveragePool": (*drawing).pool,
		"GlobalAveragePool": (*drawing).globalPool, "GlobalMaxPool": (*drawing).globalPool,
		"Concat": (*drawing).concat, "Pad": (*drawing).pad, "Slice": (*drawing).slice, "Gather": (*drawing).gather,
		"Tile": (*drawing).tile, "DepthToSpace": (*drawing).depthToSpace, "SpaceToDepth": (*drawing).spaceToDepth,
		"Clip":    (*drawing).clip,
		"Relu":    simple((*nn.Builder).ReLU),
		"Sigmoid": simple((*nn.Builder).Sigmoid),
		"Reshape": (*drawing).reshape, "Flatten": (*drawing).reshape, "Squeeze": (*drawing).reshape,
		"Unsqueeze": (*drawing).reshape, "Expand": (*drawing).expand, "Transpose": (*drawing).transpose,
	}
	for op := range reductions {
		recognizers[op] = (*drawing).reduce
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
		return part{[]string{x}, func(in []*value) (*value, error) { return d.drawNorm(in[0], norm, "", nil, nil) }}, nil
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
			x := d.compact(in[0])
			return x.with(draw(d.b, x.node)), nil
		}}, nil
	}
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
