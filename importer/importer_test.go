package importer_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx/onnxtest"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

func predict(t *testing.T, g *nn.Graph, p engine.Params, images []float32) []float32 {
	t.Helper()
	e, err := engine.Compile(g, p, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]float32, len(images)/g.Input.Shape.Len()*g.Classes())
	if err := e.Predict(t.Context(), images, logits); err != nil {
		t.Fatal(err)
	}
	return logits
}

// difference returns the largest difference, relative to the largest element.
func difference(t *testing.T, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d logits, want %d", len(got), len(want))
	}
	largest, worst := 0.0, 0.0
	for i, w := range want {
		largest = max(largest, math.Abs(float64(w)))
		worst = max(worst, math.Abs(float64(got[i]-w)))
	}
	return worst / largest
}

// Networks that the project draws keep the names of their parameters, and every bit of
// their logits, if they are exported and imported again.
func TestDrawnNetworksAreImportedAgain(t *testing.T) {
	for _, a := range arch.All() {
		small := a.Name == "cifar_resnet20" || a.Name == "resnet18" || a.Name == "tf_efficientnet_b0"
		if !small && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			size := 96
			if a.Name == "pnasnet5large" {
				size = 107
			}
			g, err := a.Build(arch.Config{InputSize: size, Classes: 5})
			if err != nil {
				t.Fatal(err)
			}
			params := golden.ParamsOf(g)
			var file bytes.Buffer
			if err := onnx.Write(&file, g, params, onnx.Options{}); err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Parse(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			n, err := importer.Import(t.Context(), m, importer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var names, want []string
			for _, p := range n.Graph.Params() {
				names = append(names, p.Name)
			}
			for _, p := range g.Params() {
				want = append(want, p.Name)
			}
			// The weights of linear layers on pixels are not written as they are.
			flat := strings.HasPrefix(a.Name, "convnext")
			if !flat && !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) {
				t.Errorf("the parameters have other names")
			}
			images := golden.NHWC(golden.Images(1, size, size, golden.Cell), 1, 3, size, size)
			if got, want := predict(t, n.Graph, n.Weights, images), predict(t, g, params, images); !slices.Equal(got, want) {
				t.Errorf("the logits differ by %.3g", difference(t, got, want))
			}
		})
	}
}

func TestExportedActivationsAreRecognized(t *testing.T) {
	want := []nn.Activation{
		{Kind: nn.Swish, A: 1},
		{Kind: nn.Swish, A: 1.702},
		{Kind: nn.GELU},
		{Kind: nn.GELUTanh},
		{Kind: nn.HardSigmoid, A: 0.25, B: 0.5},
		{Kind: nn.HardSwish},
		{Kind: nn.Mish},
		{Kind: nn.Clip, A: -1, B: 6},
		{Kind: nn.LeakyReLU, A: 0.125},
		{Kind: nn.ELU, A: 1},
		{Kind: nn.Tanh},
	}
	b := nn.NewBuilder("activations", nn.Shape{C: 3, H: 8, W: 8})
	x := b.Input()
	for i, a := range want {
		x = b.Activate(b.Conv(fmt.Sprint("c", i), x, nn.Conv2d{Out: 3, Window: nn.Square(1)}), a)
	}
	g, err := b.Graph(b.Linear("last", b.GlobalAvgPool(x), 2))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := onnx.Write(&file, g, golden.ParamsOf(g), onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	n, err := importer.Import(t.Context(), m, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []nn.Activation
	for _, node := range n.Graph.Nodes {
		if node.Op == nn.Activate {
			got = append(got, node.Activation)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// values returns n numbers between -1 and 1.
func values(name string, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(golden.Uniform(name, i))
	}
	return out
}

// constant returns an initializer with the numbers of its name.
func constant(name string, shape ...int) []byte {
	return onnxtest.Floats(name, shape, values(name, tensor.Len(shape))...)
}

// head ends a network with 4 channels x: logits y of 3 classes.
func head(x string) []byte {
	return slices.Concat(onnxtest.Node("GlobalAveragePool", x, "pooled"), onnxtest.Node("Flatten", "pooled", "flat"),
		onnxtest.Node("Gemm", "flat fc.weight fc.bias", "y", onnxtest.Attribute("transB", 1)),
		constant("fc.weight", 3, 4), constant("fc.bias", 3))
}

const side = 9

// nhwc is the order of the axes of some models' inputs.
var nhwc = []int{0, 2, 3, 1}

// The imported network must compute what the interpreter computes.
func TestPartsComputeWhatTheInterpreterDoes(t *testing.T) {
	attr := onnxtest.Attribute
	first := slices.Concat(onnxtest.Node("Conv", "x c.weight", "a"), constant("c.weight", 4, 3, 1, 1))
	for name, c := range map[string]struct {
		parts [][]byte
		last  bool // the channels are the last axis of the input
		ops   []nn.Op
	}{
		"padding of one side": {parts: [][]byte{
			onnxtest.Node("Conv", "x c.weight c.bias", "a", attr("pads", []int{0, 1, 1, 2}), attr("strides", []int{2, 2})),
			constant("c.weight", 4, 3, 3, 3), constant("c.bias", 4), head("a"),
		}},
		"same padding": {parts: [][]byte{
			onnxtest.Node("Conv", "x c.weight", "a", attr("auto_pad", "SAME_UPPER"), attr("strides", []int{2, 2})),
			constant("c.weight", 4, 3, 4, 4), head("a"),
		}},
		"dilation": {parts: [][]byte{
			onnxtest.Node("Conv", "x c.weight", "a", attr("dilations", []int{2, 3}), attr("pads", []int{2, 3, 2, 3})),
			constant("c.weight", 4, 3, 3, 3), head("a"),
		}},
		"channels last": {last: true, parts: [][]byte{
			onnxtest.Node("Transpose", "x", "t", attr("perm", []int{0, 3, 1, 2})),
			onnxtest.Node("Conv", "t c.weight", "a"), constant("c.weight", 4, 3, 3, 3), head("a"),
		}},
		"a linear layer on pixels": {last: true, parts: [][]byte{
			onnxtest.Node("MatMul", "x w", "m"), onnxtest.Node("Add", "m b", "s"), onnxtest.Node("Relu", "s", "r"),
			onnxtest.Node("ReduceMean", "r", "p", attr("axes", []int{1, 2}), attr("keepdims", 0)),
			onnxtest.Node("MatMul", "p v", "y"), constant("w", 3, 4), constant("b", 4), constant("v", 4, 3),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.BatchNorm, nn.ReLU, nn.GlobalAvgPool, nn.Linear}},
		"a linear layer on all pixels, channels last": {last: true, parts: [][]byte{
			onnxtest.Node("Flatten", "x", "f"), onnxtest.Node("MatMul", "f w", "y"), constant("w", 3*side*side, 3),
		}, ops: []nn.Op{nn.Input, nn.Linear}},
		"a layer norm, channels last": {last: true, parts: [][]byte{
			onnxtest.Node("MatMul", "x w", "m"), onnxtest.Node("LayerNormalization", "m n.weight n.bias", "n", attr("epsilon", 1e-6)),
			onnxtest.Node("Transpose", "n", "a", attr("perm", []int{0, 3, 1, 2})),
			constant("w", 3, 4), constant("n.weight", 4), constant("n.bias", 4), head("a"),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.LayerNorm, nn.GlobalAvgPool, nn.Linear}},
		"a layer norm of many nodes": {last: true, parts: [][]byte{
			onnxtest.Node("MatMul", "x w", "m"), onnxtest.Node("ReduceMean", "m", "u", attr("axes", []int{-1})),
			onnxtest.Node("Sub", "m u", "s"), onnxtest.Node("Pow", "s two", "p"), onnxtest.Node("ReduceMean", "p", "v", attr("axes", []int{3})),
			onnxtest.Node("Add", "v eps", "e"), onnxtest.Node("Sqrt", "e", "q"), onnxtest.Node("Div", "s q", "d"),
			onnxtest.Node("Mul", "d n.weight", "o"), onnxtest.Node("Add", "o n.bias", "n"),
			onnxtest.Node("Transpose", "n", "a", attr("perm", []int{0, 3, 1, 2})), onnxtest.Floats("two", nil, 2), onnxtest.Floats("eps", nil, 1e-6),
			constant("w", 3, 4), constant("n.weight", 4), constant("n.bias", 4), head("a"),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.LayerNorm, nn.GlobalAvgPool, nn.Linear}},
		"a layer norm of channels, with a reciprocal": {parts: [][]byte{
			first, onnxtest.Node("ReduceMean", "a", "u", attr("axes", []int{1})),
			onnxtest.Node("Sub", "a u", "s"), onnxtest.Node("Mul", "s s", "p"), onnxtest.Node("ReduceMean", "p", "v", attr("axes", []int{1})),
			onnxtest.Node("Add", "eps v", "e"), onnxtest.Node("Sqrt", "e", "q"), onnxtest.Node("Reciprocal", "q", "r"), onnxtest.Node("Mul", "r s", "n"),
			onnxtest.Node("Relu", "n", "h"), onnxtest.Floats("eps", nil, 1e-3), head("h"),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.LayerNorm, nn.ReLU, nn.GlobalAvgPool, nn.Linear}},
		"constants": {parts: [][]byte{
			first, onnxtest.Node("Mul", "a m", "b"), onnxtest.Node("Sub", "s b", "c"), onnxtest.Node("Div", "c d", "e"),
			onnxtest.Node("Neg", "e", "f"), onnxtest.Node("Add", "f g", "h"), onnxtest.Node("Relu", "h", "r"),
			constant("m", 4, 1, 1), constant("s", 1, 1, 1, 1), constant("d", 1, 4, 1, 1), constant("g"), head("r"),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.BatchNorm, nn.ReLU, nn.GlobalAvgPool, nn.Linear}},
		"squeeze and excitation": {parts: [][]byte{
			first, onnxtest.Node("ReduceMean", "a", "p", attr("axes", []int{2, 3})),
			onnxtest.Node("Conv", "p s.weight", "q"), onnxtest.Node("Sigmoid", "q", "g"), onnxtest.Node("Mul", "g a", "b"),
			constant("s.weight", 4, 4, 1, 1), head("b"),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.GlobalAvgPool, nn.Conv, nn.Sigmoid, nn.Mul, nn.GlobalAvgPool, nn.Linear}},
		"a gate per pixel": {parts: [][]byte{
			first, onnxtest.Node("ReduceMax", "a", "m", attr("axes", []int{-3})), onnxtest.Node("Sigmoid", "m", "g"),
			onnxtest.Node("Mul", "a g", "b"), head("b"),
		}},
		"scaled residual": {parts: [][]byte{
			first, onnxtest.Node("Conv", "x d.weight", "d"), onnxtest.Node("Mul", "d f", "e"), onnxtest.Node("Add", "e a", "b"),
			constant("d.weight", 4, 3, 1, 1), onnxtest.Floats("f", nil, 0.25), head("b"),
		}, ops: []nn.Op{nn.Input, nn.Conv, nn.Conv, nn.Add, nn.GlobalAvgPool, nn.Linear}},
		"difference": {parts: [][]byte{
			first, onnxtest.Node("Relu", "a", "r"), onnxtest.Node("Sub", "r a", "b"), head("b"),
		}},
		"pooling in ceil mode": {parts: [][]byte{
			first, onnxtest.Node("AveragePool", "a", "b", attr("kernel_shape", []int{2, 2}), attr("strides", []int{2, 2}), attr("ceil_mode", 1)),
			onnxtest.Node("MaxPool", "b", "c", attr("kernel_shape", []int{3, 3}), attr("strides", []int{2, 2}), attr("pads", []int{0, 0, 1, 1})), head("c"),
		}},
		"pooling that counts its padding": {parts: [][]byte{
			first, onnxtest.Node("AveragePool", "a", "b", attr("kernel_shape", []int{3, 3}), attr("pads", []int{1, 1, 1, 1}), attr("count_include_pad", 1)), head("b"),
		}},
		"crops and steps": {parts: [][]byte{
			first, onnxtest.Node("Slice", "a starts ends axes steps", "b"), onnxtest.Node("Slice", "b o far axes steps", "c"), head("c"),
			onnxtest.Ints("starts", 1, -8), onnxtest.Ints("ends", -1, 1<<40), onnxtest.Ints("axes", 2, -1), onnxtest.Ints("steps", 1, 2),
			onnxtest.Ints("o", 0, 0), onnxtest.Ints("far", 1<<62, 1<<62),
		}},
		"parts of the channels": {parts: [][]byte{
			onnxtest.Node("Conv", "x c.weight", "a"), constant("c.weight", 9, 3, 2, 2),
			onnxtest.Node("Split", "a sizes", "s t u", attr("axis", 1)), onnxtest.Ints("sizes", 4, 3, 2),
			onnxtest.Node("Slice", "a one four axes", "b"), onnxtest.Ints("one", 2), onnxtest.Ints("four", 6), onnxtest.Ints("axes", 1),
			onnxtest.Node("Add", "s b", "v"), onnxtest.Node("Slice", "t zero two axes", "w"), onnxtest.Ints("zero", 1), onnxtest.Ints("two", 3),
			onnxtest.Node("Concat", "u w", "z", attr("axis", 1)), onnxtest.Node("Add", "v z", "h"), head("h"),
		}},
		"zeros around pixels and channels": {parts: [][]byte{
			onnxtest.Node("Conv", "x c.weight", "a"), constant("c.weight", 2, 3, 2, 2),
			onnxtest.Node("Pad", "a pads", "b"), onnxtest.Ints("pads", 0, 1, 0, 2, 0, 1, 1, 0), head("b"),
		}},
		"lists of channels, and a batch norm before a convolution": {parts: [][]byte{
			onnxtest.Node("Concat", "x x", "a", attr("axis", 1)),
			onnxtest.Node("BatchNormalization", "a n.weight n.bias n.mean n.var", "n"), onnxtest.Node("Relu", "n", "r"),
			onnxtest.Node("Conv", "r c.weight", "c"), constant("c.weight", 4, 6, 3, 3),
			constant("n.weight", 6), constant("n.bias", 6), constant("n.mean", 6), onnxtest.Floats("n.var", []int{6}, 1, 2, 3, 4, 5, 6), head("c"),
		}},
		"the same weights twice": {parts: [][]byte{
			first, onnxtest.Node("Conv", "a d.weight", "b"), onnxtest.Node("Conv", "b d.weight", "c"), onnxtest.Node("Conv", "c d.weight d.bias", "d"),
			constant("d.weight", 4, 4, 1, 1), constant("d.bias", 4), head("d"),
		}},
		"shapes that the model computes": {parts: [][]byte{
			first, onnxtest.Node("Shape", "a", "s"), onnxtest.Node("Gather", "s zero", "n"), onnxtest.Node("Unsqueeze", "n zeros", "u"),
			onnxtest.Node("Concat", "u rest", "to", attr("axis", 0)), onnxtest.Node("Reshape", "a to", "f"),
			onnxtest.Node("Gemm", "f w", "y", attr("transB", 1)), constant("w", 3, 4*side*side),
			onnxtest.Tensor(5, "zero", 7, nil, onnxtest.Int(7, 0)), onnxtest.Ints("zeros", 0), onnxtest.Ints("rest", -1),
		}},
	} {
		t.Run(name, func(t *testing.T) { agrees(t, 17, c.last, c.ops, c.parts...) })
	}
}

// agrees checks that a model's network computes what the interpreter computes, and, if
// some are given, that it consists of these operations.
func agrees(t *testing.T, opset int, last bool, want []nn.Op, parts ...[]byte) {
	t.Helper()
	m := model(t, opset, last, parts...)
	n, err := importer.Import(t.Context(), m, importer.Options{InputSize: side})
	if err != nil {
		t.Fatal(err)
	}
	image := values("image", 3*side*side)
	x := tensor.Floats(onnx.Float32, []int{1, 3, side, side}, widen(image))
	if last {
		x = x.Permute(nhwc)
	}
	out, err := reference.Run(t.Context(), m, reference.Values{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	got := predict(t, n.Graph, n.Weights, golden.NHWC(image, 1, 3, side, side))
	if d := difference(t, got, out["y"].Float32s()); !(d <= 5e-6) {
		t.Errorf("the logits differ by %.3g", d)
	}
	if want != nil && !slices.Equal(ops(n.Graph), want) {
		t.Errorf("the network is %v, want %v", ops(n.Graph), want)
	}
	again, err := nn.ParseText(n.Graph.Arch, n.Graph.Text())
	if err != nil || again.Text() != n.Graph.Text() {
		t.Errorf("the network's text gives another one: %v", err)
	}
}

// Each activation is computed by the operators between x and y.
func TestActivationsAreRecognizedInEveryForm(t *testing.T) {
	attr := onnxtest.Attribute
	swish, hard := nn.Activation{Kind: nn.Swish, A: 1}, nn.Activation{Kind: nn.HardSwish}
	hardSigmoid := nn.Activation{Kind: nn.HardSigmoid, A: 1.0 / 6, B: 0.5}
	gelu, geluTanh := nn.Activation{Kind: nn.GELU}, nn.Activation{Kind: nn.GELUTanh}
	for i, c := range []struct {
		want  nn.Activation
		nodes [][]byte
	}{
		{swish, [][]byte{onnxtest.Node("Sigmoid", "x", "s"), onnxtest.Node("Mul", "s x", "y")}},
		{swish, [][]byte{onnxtest.Node("Neg", "x", "n"), onnxtest.Node("Exp", "n", "e"), onnxtest.Node("Add", "e one", "d"), onnxtest.Node("Div", "x d", "y")}},
		{hard, [][]byte{onnxtest.Node("HardSigmoid", "x", "s", attr("alpha", 1.0/6)), onnxtest.Node("Mul", "x s", "y")}},
		{hard, [][]byte{onnxtest.Node("Add", "x three", "a"), onnxtest.Node("Clip", "a zero six", "c"), onnxtest.Node("Mul", "x c", "m"), onnxtest.Node("Div", "m six", "y")}},
		{hard, [][]byte{onnxtest.Node("Add", "three x", "a"), onnxtest.Node("Clip", "a zero six", "c"), onnxtest.Node("Mul", "c sixth", "m"), onnxtest.Node("Mul", "m x", "y")}},
		{hardSigmoid, [][]byte{onnxtest.Node("Add", "x three", "a"), onnxtest.Node("Clip", "a zero six", "c"), onnxtest.Node("Div", "c six", "y")}},
		{gelu, [][]byte{
			onnxtest.Node("Div", "x root", "a"), onnxtest.Node("Erf", "a", "b"), onnxtest.Node("Add", "b one", "c"),
			onnxtest.Node("Mul", "x c", "d"), onnxtest.Node("Mul", "d half", "y"),
		}},
		{gelu, [][]byte{
			onnxtest.Node("Mul", "x half", "h"), onnxtest.Node("Div", "x root", "a"), onnxtest.Node("Erf", "a", "b"), onnxtest.Node("Add", "one b", "c"),
			onnxtest.Node("Mul", "c h", "y"),
		}},
		{geluTanh, [][]byte{
			onnxtest.Node("Pow", "x three", "a"), onnxtest.Node("Mul", "a small", "b"), onnxtest.Node("Add", "x b", "c"), onnxtest.Node("Mul", "c factor", "d"),
			onnxtest.Node("Tanh", "d", "e"), onnxtest.Node("Add", "e one", "f"), onnxtest.Node("Mul", "x half", "g"), onnxtest.Node("Mul", "g f", "y"),
		}},
		{nn.Activation{Kind: nn.Mish}, [][]byte{onnxtest.Node("Softplus", "x", "s"), onnxtest.Node("Tanh", "s", "t"), onnxtest.Node("Mul", "x t", "y")}},
		{nn.Activation{Kind: nn.Swish, A: 1.702}, [][]byte{onnxtest.Node("Mul", "x quick", "q"), onnxtest.Node("Sigmoid", "q", "s"), onnxtest.Node("Mul", "x s", "y")}},
		{nn.Activation{Kind: nn.Clip, A: 0, B: 6}, [][]byte{onnxtest.Node("Clip", "x zero six", "y")}},
		{nn.Activation{Kind: nn.LeakyReLU, A: 0.2}, [][]byte{onnxtest.Node("LeakyRelu", "x", "y", attr("alpha", 0.2))}},
		{geluTanh, [][]byte{onnxtest.Node("Gelu", "x", "y", attr("approximate", "tanh"))}},
	} {
		parts := [][]byte{onnxtest.Node("Conv", "image c.weight", "x"), constant("c.weight", 4, 3, 3, 3)}
		for name, v := range map[string]float32{
			"one": 1, "three": 3, "zero": 0, "six": 6, "sixth": 1.0 / 6, "half": 0.5, "root": math.Sqrt2,
			"small": 0.044715, "factor": 0.7978845608, "quick": 1.702,
		} {
			parts = append(parts, onnxtest.Floats(name, nil, v))
		}
		parts = append(append(parts, c.nodes...), onnxtest.Node("Flatten", "y", "flat"), onnxtest.Node("MatMul", "flat w", "logits"), constant("w", 4*7*7, 2))
		m, err := onnx.Parse(onnxtest.Model(20, append(parts, onnxtest.Input("image", 1, 3, side, side), onnxtest.Output("logits"))...))
		if err != nil {
			t.Fatal(err)
		}
		n, err := importer.Import(t.Context(), m, importer.Options{})
		if err != nil {
			t.Errorf("case %d: %v", i, err)
			continue
		}
		if got := n.Graph.Nodes[2]; len(n.Graph.Nodes) != 4 || got.Op != nn.Activate || got.Activation != c.want {
			t.Errorf("case %d: got %d nodes, %v %v, want %v", i, len(n.Graph.Nodes), got.Op, got.Activation, c.want)
		}
	}
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, f := range v {
		out[i] = float64(f)
	}
	return out
}

func ops(g *nn.Graph) (ops []nn.Op) {
	for _, n := range g.Nodes {
		ops = append(ops, n.Op)
	}
	return ops
}

// model returns a model of an image x and logits y.
func model(t *testing.T, opset int, last bool, parts ...[]byte) *onnx.Model {
	t.Helper()
	in := onnxtest.Input("x", -1, 3, -1, -1)
	if last {
		in = onnxtest.Input("x", -1, -1, -1, 3)
	}
	m, err := onnx.Parse(onnxtest.Model(opset, append(parts, in, onnxtest.Output("y"))...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func imported(t *testing.T, last bool, parts ...[]byte) (*importer.Network, *onnx.Model) {
	t.Helper()
	m := model(t, 17, last, parts...)
	n, err := importer.Import(t.Context(), m, importer.Options{InputSize: side})
	if err != nil {
		t.Fatal(err)
	}
	return n, m
}

// NFNets scale their activations. The last factor of a GELU is no part of that.
func TestScaledActivationsAreRecognized(t *testing.T) {
	n, _ := imported(t, false, onnxtest.Node("Conv", "x c.weight", "a"), constant("c.weight", 4, 3, 1, 1),
		onnxtest.Node("Div", "a root", "b"), onnxtest.Node("Erf", "b", "c"), onnxtest.Node("Add", "c one", "d"), onnxtest.Node("Mul", "a d", "e"),
		onnxtest.Node("Mul", "e half", "f"), onnxtest.Node("Mul", "f gain", "g"), head("g"),
		onnxtest.Floats("root", nil, math.Sqrt2), onnxtest.Floats("one", nil, 1), onnxtest.Floats("half", nil, 0.5), onnxtest.Floats("gain", nil, 1.7))
	want := []nn.Op{nn.Input, nn.Conv, nn.Activate, nn.BatchNorm, nn.GlobalAvgPool, nn.Linear}
	if got := ops(n.Graph); !slices.Equal(got, want) {
		t.Errorf("the network is %v, want %v", got, want)
	}
}

// A file of the weights holds all that a prediction needs.
func TestWeightsDescribeTheirNetwork(t *testing.T) {
	parts := func(first float32) [][]byte {
		return [][]byte{
			onnxtest.Node("Conv", "x c.weight", "a"), onnxtest.Floats("c.weight", []int{2, 3, 1, 1}, first, 2, 3, 4, 5, 6),
			onnxtest.Node("Sigmoid", "a", "s"), onnxtest.Node("Mul", "s a", "m"), onnxtest.Node("GlobalAveragePool", "m", "p"), onnxtest.Node("Sigmoid", "p", "y"),
		}
	}
	n, _ := imported(t, false, parts(1)...)
	var file bytes.Buffer
	if err := weights.Write(&file, n.Weights); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	m := f.Metadata()
	g, err := nn.ParseText(m["arch"], m["graph"])
	if err != nil {
		t.Fatal(err)
	}
	if m["classes"] != "2" || m["input_size"] != "9" || m["activation"] != "sigmoid" || !strings.HasPrefix(m["arch"], "onnx:") {
		t.Errorf("metadata %v", m)
	}
	images := values("image", 3*side*side)
	if got, want := predict(t, g, f, images), predict(t, n.Graph, n.Weights, images); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if fold, _ := imported(t, false, parts(7)...); fold.Graph.Arch != n.Graph.Arch {
		t.Errorf("another fold is %s, not %s", fold.Graph.Arch, n.Graph.Arch)
	}
}

func TestTheLastActivationIsReported(t *testing.T) {
	for op, want := range map[string]importer.Activation{
		"Sigmoid": importer.Sigmoid, "Softmax": importer.Softmax, "LogSoftmax": importer.LogSoftmax, "Identity": importer.Logits,
	} {
		n, _ := imported(t, false, onnxtest.Node("Flatten", "x", "f"), onnxtest.Node("MatMul", "f w", "l"), onnxtest.Node(op, "l", "y"), constant("w", 3*side*side, 3))
		if n.Activation != want || n.Graph.Output.Op != nn.Linear {
			t.Errorf("%s: got %v, %v", op, n.Activation, n.Graph.Output.Op)
		}
	}
}

func TestActivationsApplyToLogits(t *testing.T) {
	for a, want := range map[importer.Activation][]float64{
		importer.Logits:     {0, math.Log(3)},
		importer.Sigmoid:    {0.5, 0.75},
		importer.Softmax:    {0.25, 0.75},
		importer.LogSoftmax: {math.Log(0.25), math.Log(0.75)},
	} {
		v := []float32{0, float32(math.Log(3))}
		a.Apply(v)
		for i := range v {
			if math.Abs(float64(v[i])-want[i]) > 1e-6 {
				t.Errorf("%v gives %v, want %v", a, v, want)
			}
		}
	}
}

// Each step of the import names the node that ends a part, and what it became.
func TestStepsSayWhatEachPartBecame(t *testing.T) {
	n, _ := imported(t, false, onnxtest.Node("Sigmoid", "x", "s"), onnxtest.Node("Mul", "x s", "a"),
		onnxtest.Node("Flatten", "a", "f"), onnxtest.Node("MatMul", "f w", "y"), constant("w", 3*side*side, 3))
	var got []string
	for _, s := range n.Steps {
		line := s.Node.Op + ":"
		for _, x := range s.Became {
			line += " " + x.Op.String()
		}
		got = append(got, line)
	}
	if want := []string{"Mul: Activate", "Flatten:", "MatMul: Linear"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAllThatCannotBeImportedIsNamed(t *testing.T) {
	m := model(t, 17, false, onnxtest.Node("Conv", "x c.weight", "a"), constant("c.weight", 4, 3, 1, 1),
		onnxtest.Node("Sin", "a", "s"), onnxtest.Node("Cos", "s", "b"), onnxtest.Node("Add", "a b", "c"),
		onnxtest.Node("MaxPool", "a", "d", onnxtest.Attribute("kernel_shape", []int{2, 2}), onnxtest.Attribute("dilations", []int{2, 2}), onnxtest.Attribute("pads", []int{1, 1, 1, 1})),
		onnxtest.Node("Concat", "c d", "e", onnxtest.Attribute("axis", 1)),
		onnxtest.Node("Tan", "a", "unused"),
		onnxtest.Node("GlobalAveragePool", "e", "y"))
	_, err := importer.Import(t.Context(), m, importer.Options{InputSize: side})
	if err == nil {
		t.Fatal("the model was imported")
	}
	for _, want := range []string{
		"3 of 8 nodes", `Cos "b" (opset 17) of float32 [1 4 9 9]`, `Sin "s" (opset 17) of float32 [1 4 9 9]`, `MaxPool "d" (opset 17) of float32 [1 4 9 9]`, "no dilated poolings",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

func TestModelsThatTakeNoImageAreRefused(t *testing.T) {
	for want, parts := range map[string][][]byte{
		"has 2 inputs":                 {onnxtest.Input("x", 1, 3, 9, 9), onnxtest.Input("z", 1), onnxtest.Output("x")},
		"not a batch of images":        {onnxtest.Input("x", 1, 3), onnxtest.Output("x")},
		"no axis of 3 channels":        {onnxtest.Input("x", 1, 4, 9, 9), onnxtest.Output("x")},
		"does not fit an input size":   {onnxtest.Input("x", 1, 3, 8, 8), onnxtest.Output("x")},
		`2 outputs: ["x" "y"]`:         {onnxtest.Input("x", 1, 3, 9, 9), onnxtest.Output("x"), onnxtest.Output("y"), onnxtest.Node("Relu", "x", "y")},
		"does not depend on the image": {onnxtest.Input("x", 1, 3, 9, 9), onnxtest.Output("y"), onnxtest.Node("Shape", "x", "y")},
	} {
		m, err := onnx.Parse(onnxtest.Model(17, parts...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := importer.Import(t.Context(), m, importer.Options{InputSize: 9}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	m := model(t, 17, false, onnxtest.Node("Relu", "x", "y"))
	if _, err := importer.Import(t.Context(), m, importer.Options{}); err == nil || !strings.Contains(err.Error(), "leaves its size open") {
		t.Errorf("got %v", err)
	}
}

func FuzzImport(f *testing.F) {
	attr := onnxtest.Attribute
	for _, parts := range [][][]byte{
		{onnxtest.Node("Flatten", "x", "f"), onnxtest.Node("MatMul", "f w", "y"), constant("w", 3*side*side, 3)},
		{
			onnxtest.Node("Conv", "x c.weight", "a", attr("pads", []int{0, 1, 1, 2}), attr("dilations", []int{2, 1})), constant("c.weight", 4, 3, 2, 2),
			onnxtest.Node("Pad", "a pads", "b"), onnxtest.Ints("pads", 0, 0, 1, 0, 0, 0, 0, 1),
			onnxtest.Node("Slice", "b one two", "s"), onnxtest.Ints("one", 0, 0, 1), onnxtest.Ints("two", 1, 4, 7),
			onnxtest.Node("MaxPool", "s", "m", attr("kernel_shape", []int{2, 2}), attr("strides", []int{2, 2})),
			onnxtest.Node("ReduceMean", "m", "p", attr("axes", []int{2, 3})), onnxtest.Node("Sigmoid", "p", "g"), onnxtest.Node("Mul", "m g", "v"),
			onnxtest.Node("Concat", "v m", "k", attr("axis", 1)), onnxtest.Node("Transpose", "k", "t", attr("perm", []int{0, 2, 3, 1})),
			onnxtest.Node("Flatten", "t", "y"),
		},
		{tokens, dense("t", "qkv", 64, 192), attend(64, node("Add", "s bias", "b"), constant("bias", 4, 64, 64), softmaxOf("b")), tail("joined")},
		{
			maps, to("a", "five", 1, 4, 16, 8, 8), turned("five", "s", 0, 2, 1, 3, 4), to("s", "m", 1, 64, 8, 8),
			cut("m", "up", 2, 2, 99, 1), cut("m", "down", 2, 0, 2, 1), node("Concat", "up down", "r", attr("axis", 2)),
			node("ConvTranspose", "r u.weight", "u", attr("strides", []int{2, 2}), attr("pads", []int{1, 0, 0, 1})), constant("u.weight", 64, 2, 3, 3),
			node("Resize", "u - twice", "z", attr("mode", "linear")), onnxtest.Floats("twice", []int{4}, 1, 1, 1.5, 2), node("Pad", "z pads", "p", attr("mode", "reflect")), onnxtest.Ints("pads", 0, 0, 1, 2, 0, 0, 0, 1),
			node("Tile", "p times", "o"), onnxtest.Ints("times", 1, 2, 1, 1), node("Max", "o small", "v"), constant("small", 4, 1, 1), node("ReduceL2", "v", "y", attr("axes", []int{2, 3})),
		},
	} {
		f.Add(onnxtest.Model(17, append(parts, onnxtest.Input("x", -1, 3, -1, -1), onnxtest.Output("y"))...))
	}
	f.Add(small())
	for _, b := range hostile() {
		if len(b) < 1<<12 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Parse(b)
		if err != nil {
			return
		}
		n, err := importer.Import(t.Context(), m, importer.Options{InputSize: side})
		if err != nil || n.Graph.Input.Shape.Len() > 1000 {
			return
		}
		if g, err := nn.ParseText(n.Graph.Arch, n.Graph.Text()); err != nil || g.Text() != n.Graph.Text() {
			t.Errorf("the text of the network changes: %v", err)
		}
		for _, p := range n.Graph.Params() {
			if _, shape, err := n.Weights.Float32(p.Name); err != nil || !slices.Equal(shape, p.Shape) {
				t.Errorf("%s has the shape %v, want %v (%v)", p.Name, shape, p.Shape, err)
			}
		}
	})
}
