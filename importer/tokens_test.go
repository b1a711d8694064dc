package importer_test

import (
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx/onnxtest"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// node returns a node of a graph.
func node(op, inputs, outputs string, attributes ...[]byte) []byte {
	return onnxtest.Node(op, inputs, outputs, attributes...)
}

// to returns a node that gives x another shape, and the shape.
func to(x, y string, shape ...int64) []byte {
	return slices.Concat(node("Reshape", x+" "+y+".shape", y), onnxtest.Ints(y+".shape", shape...))
}

func turned(x, y string, perm ...int) []byte {
	return node("Transpose", x, y, onnxtest.Attribute("perm", perm))
}

// cut returns a node that takes a part of an axis.
func cut(x, y string, axis, from, to, step int64) []byte {
	return slices.Concat(node("Slice", x+" "+y+".from "+y+".to "+y+".axis "+y+".step", y),
		onnxtest.Ints(y+".from", from), onnxtest.Ints(y+".to", to), onnxtest.Ints(y+".axis", axis), onnxtest.Ints(y+".step", step))
}

func number(name string, v float32) []byte { return onnxtest.Floats(name, nil, v) }

// taken returns a node that takes one element of an axis.
func taken(x, y string, axis int, index int64) []byte {
	return slices.Concat(node("Gather", x+" "+y+".index", y, onnxtest.Attribute("axis", axis)), onnxtest.Tensor(5, y+".index", 7, nil, onnxtest.Int(7, index)))
}

// dense returns a linear layer of tokens.
func dense(x, y string, in, out int) []byte {
	return slices.Concat(node("MatMul", x+" "+y+".w", y+".m"), node("Add", y+".b "+y+".m", y), constant(y+".w", in, out), constant(y+".b", out))
}

// maps returns a convolution of the image to 64 channels of 8x8, and tokens 64 tokens.
var (
	maps   = slices.Concat(node("Conv", "x maps.weight", "a"), constant("maps.weight", 64, 3, 2, 2))
	tokens = slices.Concat(maps, to("a", "flat", 1, 64, 64), turned("flat", "t", 0, 2, 1))
)

// tail ends a network of tokens with 64 channels.
func tail(x string) []byte {
	return slices.Concat(node("ReduceMean", x, "mean", onnxtest.Attribute("axes", []int{1}), onnxtest.Attribute("keepdims", 0)), dense("mean", "y", 64, 3))
}

// attend returns attentions of 4 heads over n tokens, from the joined queries, keys and
// values `qkv`. scores go through the given nodes, from s to p.
func attend(n int64, scores ...[]byte) []byte {
	return slices.Concat(append([][]byte{
		to("qkv", "five", 1, n, 3, 4, 16), turned("five", "parts", 2, 0, 3, 1, 4),
		taken("parts", "q", 0, 0), taken("parts", "k", 0, 1), taken("parts", "v", 0, 2),
		turned("k", "kt", 0, 1, 3, 2),
		node("Mul", "q root", "qs"), node("Mul", "kt root", "ks"), number("root", 0.5),
		node("MatMul", "qs ks", "s"), node("MatMul", "p v", "o"),
		turned("o", "turned", 0, 2, 1, 3), to("turned", "joined", 1, n, 64),
	}, scores...)...)
}

func softmaxOf(x string) []byte { return node("Softmax", x, "p", onnxtest.Attribute("axis", -1)) }

// Transformers, and what other networks do with tokens.
func TestTokensComputeWhatTheInterpreterDoes(t *testing.T) {
	attr := onnxtest.Attribute
	windows := slices.Concat(turned("a", "last", 0, 2, 3, 1),
		cut("last", "up", 1, 2, 99, 1), cut("last", "down", 1, 0, 2, 1), node("Concat", "up down", "rolled", attr("axis", 1)),
		cut("rolled", "left", 2, 3, 99, 1), cut("rolled", "right", 2, 0, 3, 1), node("Concat", "left right", "shifted", attr("axis", 2)),
		to("shifted", "six", 1, 2, 4, 2, 4, 64), turned("six", "windows", 0, 1, 3, 2, 4, 5), to("windows", "w", 4, 16, 64),
		dense("w", "qkv", 64, 192), to("qkv", "five", 4, 16, 3, 4, 16), turned("five", "parts", 2, 0, 3, 1, 4),
		node("Split", "parts", "q5 k5 v5", attr("axis", 0)), node("Squeeze", "q5 zero", "q"), node("Squeeze", "k5 zero", "k"), node("Squeeze", "v5 zero", "v"),
		onnxtest.Ints("zero", 0), node("Mul", "q scale", "qs"), number("scale", 0.25), turned("k", "kt", 0, 1, 3, 2),
		node("MatMul", "qs kt", "s"), node("Add", "s bias", "sb"), constant("bias", 1, 4, 16, 16),
		to("sb", "s5", 1, 4, 4, 16, 16), node("Add", "s5 mask", "sm"), constant("mask", 1, 4, 1, 16, 16), to("sm", "s4", 4, 4, 16, 16), softmaxOf("s4"),
		node("MatMul", "p v", "o"), turned("o", "turned", 0, 2, 1, 3), to("turned", "joined", 4, 16, 64), dense("joined", "proj", 64, 64),
		to("proj", "back6", 1, 2, 2, 4, 4, 64), turned("back6", "back", 0, 1, 3, 2, 4, 5), to("back", "b4", 1, 8, 8, 64),
		cut("b4", "bd", 1, 6, 99, 1), cut("b4", "bu", 1, 0, 6, 1), node("Concat", "bd bu", "br", attr("axis", 1)),
		cut("br", "be", 2, 5, 99, 1), cut("br", "bw", 2, 0, 5, 1), node("Concat", "be bw", "home", attr("axis", 2)), node("Add", "last home", "sum"),
		to("sum", "m6", 1, 4, 2, 4, 2, 64), turned("m6", "merged", 0, 1, 3, 4, 2, 5), to("merged", "m4", 1, 4, 4, 256),
		node("LayerNormalization", "m4 n.weight n.bias", "n"), constant("n.weight", 256), constant("n.bias", 256), dense("n", "less", 256, 64), to("less", "out", 1, 16, 64))
	for name, c := range map[string]struct {
		parts [][]byte
		opset int
		ops   []nn.Op
	}{
		"class token and position": {parts: [][]byte{
			tokens, node("Concat", "class t", "c", attr("axis", 1)), constant("class", 1, 1, 64), node("Add", "c position", "e"), constant("position", 1, 65, 64),
			node("LayerNormalization", "e n.weight n.bias", "n"), constant("n.weight", 64), constant("n.bias", 64),
			dense("n", "qkv", 64, 192), attend(65, softmaxOf("s")), dense("joined", "proj", 64, 64), node("Add", "e proj", "r"), taken("r", "first", 1, 0), dense("first", "y", 64, 3),
		}, ops: []nn.Op{
			nn.Input, nn.Conv, nn.Constant, nn.ConcatPixels, nn.Constant, nn.Add, nn.LayerNorm, nn.Conv, nn.BatchNorm,
			nn.PadChannels, nn.PadChannels, nn.PadChannels, nn.AttentionOp, nn.Conv, nn.BatchNorm, nn.Add, nn.Pad, nn.Linear, nn.BatchNorm,
		}},
		"scaled scores and a bias by head": {parts: [][]byte{
			tokens, dense("t", "qkv", 64, 192),
			attend(64, node("Div", "s root", "d"), node("Add", "d bias", "b"), constant("bias", 4, 64, 64), softmaxOf("b")), tail("joined"),
		}},
		"windows": {parts: [][]byte{maps, windows, tail("out")}},
		"linear attention": {parts: [][]byte{
			tokens, dense("t", "qkv", 64, 192),
			attend(64, node("Relu", "s", "p")), node("Pad", "v pads one", "v1"), onnxtest.Ints("pads", 0, 0, 0, 0, 0, 0, 0, 1), number("one", 1), node("Relu", "kt", "rk"), node("MatMul", "rk v1", "kv"),
			node("Relu", "q", "rq"), node("MatMul", "rq kv", "n"), cut("n", "up", 3, 0, -1, 1), cut("n", "sum", 3, -1, 99, 1), node("Add", "sum eps", "e"), number("eps", 1e-3),
			node("Div", "up e", "d"), turned("d", "dt", 0, 2, 1, 3), to("dt", "dj", 1, 64, 64), node("Add", "dj joined", "both"), tail("both"),
		}},
		"no scores": {parts: [][]byte{tokens, dense("t", "qkv", 64, 192), attend(64, node("Relu", "s", "p")), tail("joined")}},
		"attention of channels": {parts: [][]byte{
			tokens, to("t", "h", 1, 64, 4, 16), turned("h", "q", 0, 2, 3, 1), turned("h", "kt", 0, 2, 1, 3), node("MatMul", "q kt", "s"), softmaxOf("s"),
			node("MatMul", "p q", "o"), turned("o", "back", 0, 3, 1, 2), to("back", "b", 1, 64, 64), tail("b"),
		}},
		"the operator Attention": {opset: 23, parts: [][]byte{
			tokens, dense("t", "q", 64, 64), dense("t", "k", 64, 64),
			node("Attention", "q k t mask", "o", attr("q_num_heads", 2), attr("kv_num_heads", 2)), constant("mask", 64, 64), node("ReduceMean", "o one", "mean", attr("keepdims", 0)), onnxtest.Ints("one", 1), dense("mean", "y", 64, 3),
		}},
		"heads of the operator Attention": {opset: 23, parts: [][]byte{
			tokens, to("t", "h", 1, 64, 8, 8), turned("h", "q", 0, 2, 1, 3), node("Attention", "q q q", "o", attr("scale", 0.5)),
			turned("o", "back", 0, 2, 1, 3), to("back", "b", 1, 64, 64), node("ReduceMean", "b one", "mean", attr("keepdims", 0)), onnxtest.Ints("one", 1), dense("mean", "y", 64, 3),
		}},
		"a matrix on the left": {parts: [][]byte{tokens, node("MatMul", "left t", "l"), constant("left", 20, 64), node("Relu", "l", "r"), tail("r")}},
		"rotary positions": {parts: [][]byte{
			tokens, to("t", "h", 1, 64, 4, 16), turned("h", "q", 0, 2, 1, 3),
			cut("q", "even", 3, 0, 99, 2), cut("q", "odd", 3, 1, 99, 2), node("Neg", "odd", "no"),
			node("Unsqueeze", "no five", "n5"), node("Unsqueeze", "even five", "e5"), onnxtest.Ints("five", 4), node("Concat", "n5 e5", "pairs", attr("axis", 4)),
			to("pairs", "rotated", 1, 4, 64, 16), node("Mul", "rotated sin", "rs"), constant("sin", 64, 16), node("Mul", "q cos", "qc"), constant("cos", 64, 16),
			node("Add", "qc rs", "r"), turned("r", "back", 0, 2, 1, 3), to("back", "b", 1, 64, 64), tail("b"),
		}},
		"channel shuffle, and blocks": {parts: [][]byte{
			maps, to("a", "five", 1, 4, 16, 8, 8), turned("five", "shuffled", 0, 2, 1, 3, 4), to("shuffled", "s", 1, 64, 8, 8),
			node("DepthToSpace", "s", "d", attr("blocksize", 2), attr("mode", "CRD")), node("SpaceToDepth", "d", "e", attr("blocksize", 4)),
			node("DepthToSpace", "e", "f", attr("blocksize", 2)), node("Relu", "f", "r"),
			node("Conv", "r c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"focus": {parts: [][]byte{
			cut("x", "x8", 2, 0, 8, 1), cut("x8", "x88", 3, 0, 8, 1), cut("x88", "u", 2, 0, 99, 2), cut("x88", "v", 2, 1, 99, 2),
			cut("u", "uu", 3, 0, 99, 2), cut("u", "uv", 3, 1, 99, 2), cut("v", "vu", 3, 0, 99, 2), cut("v", "vv", 3, 1, 99, 2),
			node("Concat", "uu vu uv vv", "f", attr("axis", 1)), node("Conv", "f c.weight", "c"), constant("c.weight", 4, 12, 3, 3), head("c"),
		}, ops: []nn.Op{nn.Input, nn.Rearrange, nn.Conv, nn.GlobalAvgPool, nn.Linear}},
		"gates from neighboring channels": {parts: [][]byte{
			maps, node("ReduceMean", "a", "m", attr("axes", []int{2, 3}), attr("keepdims", 0)), to("m", "l", 1, 1, 64),
			node("Conv", "l eca.weight", "k", attr("kernel_shape", []int{5}), attr("pads", []int{2, 2})), constant("eca.weight", 1, 1, 5), node("Sigmoid", "k", "g"), to("g", "g4", 1, 64, 1, 1),
			node("Expand", "g4 whole", "gate"), onnxtest.Ints("whole", 1, 64, 8, 8), node("Mul", "a gate", "b"),
			node("Conv", "b c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"response norms": {parts: [][]byte{
			maps, turned("a", "l", 0, 2, 3, 1), node("ReduceL2", "l", "g", attr("axes", []int{1, 2})), node("ReduceMean", "g", "u", attr("axes", []int{-1})),
			node("Add", "u eps", "e"), number("eps", 1e-6), node("Div", "g e", "n"), node("Mul", "l n", "m"), node("Mul", "m weight", "o"), constant("weight", 1, 1, 1, 64),
			node("Add", "bias o", "b"), constant("bias", 1, 1, 1, 64), node("Add", "l b", "r"), to("r", "t2", 1, 64, 64), tail("t2"),
		}},
		"cosines": {parts: [][]byte{
			tokens, to("t", "h", 1, 64, 4, 16), turned("h", "q", 0, 2, 1, 3), node("ReduceL2", "q", "l", attr("axes", []int{-1})), node("Clip", "l least", "c"), number("least", 1e-3),
			node("Expand", "c whole", "e"), onnxtest.Ints("whole", 1, 4, 64, 16), node("Div", "q e", "n"), turned("n", "nt", 0, 1, 3, 2), node("MatMul", "n nt", "s"),
			node("Mul", "s gain", "sg"), constant("gain", 4, 1, 1), softmaxOf("sg"), node("MatMul", "p q", "o"), turned("o", "back", 0, 2, 1, 3), to("back", "b", 1, 64, 64), tail("b"),
		}},
		"root mean squares": {parts: [][]byte{
			tokens, node("Pow", "t two", "p"), number("two", 2), node("ReduceMean", "p", "m", attr("axes", []int{-1})), node("Add", "m eps", "e"), number("eps", 1e-5),
			node("Sqrt", "e", "s"), node("Reciprocal", "s", "r"), node("Mul", "t r", "n"), node("Mul", "n gain", "g"), constant("gain", 64), tail("g"),
		}},
		"normalizations by a size": {opset: 23, parts: [][]byte{
			tokens, node("RMSNormalization", "t gain", "r"), constant("gain", 64), node("LpNormalization", "r", "l", attr("p", 1)), node("LpNormalization", "l", "m", attr("axis", 1)),
			turned("m", "back", 0, 2, 1), to("back", "four", 1, 64, 8, 8), node("LRN", "four", "n", attr("size", 5), attr("alpha", 0.5), attr("beta", 0.75)), node("Selu", "n", "s"),
			node("Conv", "s c.weight", "c"), constant("c.weight", 4, 64, 3, 3), node("ReduceMean", "c two", "p", attr("keepdims", 0)), onnxtest.Ints("two", 2, 3), dense("p", "y", 4, 3),
		}},
		"group norms": {parts: [][]byte{
			maps, to("a", "g", 1, 4, -1), node("InstanceNormalization", "g ones zeros", "n"), onnxtest.Floats("ones", []int{4}, 1, 1, 1, 1), onnxtest.Floats("zeros", []int{4}, 0, 0, 0, 0),
			to("n", "four", 1, 64, 8, 8), node("Mul", "four gain", "m"), constant("gain", 64, 1, 1), node("InstanceNormalization", "m scale shift", "i"), constant("scale", 64), constant("shift", 64),
			node("Relu", "i", "r"), node("Conv", "r c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"reductions": {parts: [][]byte{
			maps, node("ReduceSum", "a two", "s"), onnxtest.Ints("two", 2), node("ReduceMin", "a", "m", attr("axes", []int{1})), node("ReduceL1", "a", "l", attr("axes", []int{2, 3})),
			node("ReduceSumSquare", "a", "q", attr("axes", []int{1, 2, 3})), node("Max", "s m", "u"), node("Min", "u l q", "v"), node("Sub", "v a", "w"), node("Div", "w l", "d"),
			node("Sum", "d a d", "e"), node("Conv", "e c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"split attention": {parts: [][]byte{
			maps, node("Relu", "a", "r"), to("r", "five", 1, 2, 32, 8, 8), node("ReduceSum", "five one", "s", attr("keepdims", 0)), onnxtest.Ints("one", 1),
			node("ReduceMean", "s", "p", attr("axes", []int{2, 3})), node("Conv", "p u.weight", "u"), constant("u.weight", 64, 32, 1, 1),
			to("u", "u4", 1, 1, 2, 32), turned("u4", "ut", 0, 2, 1, 3), node("Softmax", "ut", "w", attr("axis", 1)), to("w", "w5", 1, 2, 32, 1, 1),
			node("Mul", "five w5", "m"), node("ReduceSum", "m one", "z", attr("keepdims", 0)), node("Conv", "z c.weight", "c"), constant("c.weight", 4, 32, 3, 3), head("c"),
		}},
		"functions": {parts: [][]byte{
			maps, node("Relu", "a", "r"), node("Pow", "r two", "p"), number("two", 2), node("Mul", "p gain", "g"), onnxtest.Floats("gain", []int{1}, 0.8), node("Add", "g shift", "star"), number("shift", -0.4),
			node("PRelu", "star slope", "l"), constant("slope", 64, 1, 1), node("Exp", "l", "e"), node("Log", "e", "o"), node("Abs", "o", "b"), node("Erf", "b", "f"), node("Softplus", "f", "n"),
			node("Max", "n half", "h"), number("half", 0.7), node("Min", "h two", "i"), node("Div", "two i", "j"), node("Conv", "j c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"sums of the first channels": {parts: [][]byte{
			maps, cut("a", "front", 1, 0, 20, 1), cut("a", "back", 1, 20, 99, 1), node("Conv", "x s.weight", "s"), constant("s.weight", 20, 3, 2, 2), node("Add", "front s", "sum"),
			node("Concat", "sum back", "j", attr("axis", 1)), node("Conv", "j c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"some tokens": {parts: [][]byte{
			tokens, node("Gather", "t indices", "g", attr("axis", 1)), onnxtest.Ints("indices", 5, 3, 1, 1, 60, -1), node("Relu", "g", "r"), tail("r"),
		}},
		"zeros and repetitions": {parts: [][]byte{
			tokens, node("Pad", "t pads", "p"), onnxtest.Ints("pads", 0, 3, 0, 0, 0, 2), node("Tile", "p times", "q"), onnxtest.Ints("times", 1, 2, 1), dense("q", "r", 66, 64), tail("r"),
		}},
		"other elements around pixels": {parts: [][]byte{
			maps, node("Pad", "a pads one", "p"), onnxtest.Ints("pads", 0, 0, 1, 0, 0, 0, 2, 0), number("one", 1),
			node("Pad", "p other", "q", attr("mode", "reflect")), onnxtest.Ints("other", 0, 0, 0, 2, 0, 0, 1, 3), node("Pad", "q other", "r", attr("mode", "edge")),
			node("Conv", "r c.weight", "c"), constant("c.weight", 4, 64, 3, 3), head("c"),
		}},
		"a map as output": {parts: [][]byte{
			maps, node("Conv", "a c.weight", "c"), constant("c.weight", 5, 64, 3, 3), turned("c", "l", 0, 2, 3, 1),
			node("Mul", "l tenth", "m"), number("tenth", 0.1), node("Softmax", "m", "y"),
		}},
		"larger maps": {parts: [][]byte{
			maps, node("Resize", "a - twice", "r", attr("mode", "nearest"), attr("coordinate_transformation_mode", "asymmetric"), attr("nearest_mode", "floor")), onnxtest.Floats("twice", []int{4}, 1, 1, 2, 2),
			node("Conv", "r d.weight", "d"), constant("d.weight", 8, 64, 3, 3), node("Resize", "d - - sizes", "s", attr("mode", "linear")), onnxtest.Ints("sizes", 1, 8, 21, 25),
			node("Resize", "s - odd", "u", attr("mode", "cubic")), onnxtest.Floats("odd", []int{4}, 1, 1, 1.3, 0.7),
			node("Conv", "u c.weight", "c"), constant("c.weight", 4, 8, 3, 3), head("c"),
		}},
		"transposed convolutions": {parts: [][]byte{
			maps, node("ConvTranspose", "a u.weight u.bias", "u", attr("strides", []int{2, 2})), constant("u.weight", 64, 8, 2, 2), constant("u.bias", 8),
			node("ConvTranspose", "u v.weight", "v", attr("strides", []int{2, 3}), attr("pads", []int{1, 1, 1, 2}), attr("group", 2), attr("output_padding", []int{1, 0}), attr("dilations", []int{1, 2})), constant("v.weight", 8, 3, 4, 4),
			node("Conv", "v c.weight", "c"), constant("c.weight", 4, 6, 3, 3), head("c"),
		}},
		"a convolution of one dimension": {parts: [][]byte{
			maps, to("a", "l", 1, 64, 64), node("Conv", "l k.weight k.bias", "k", attr("kernel_shape", []int{3}), attr("strides", []int{2}), attr("pads", []int{0, 1}), attr("dilations", []int{2})), constant("k.weight", 8, 64, 3), constant("k.bias", 8),
			node("MaxPool", "k", "m", attr("kernel_shape", []int{2}), attr("strides", []int{2})), node("GlobalAveragePool", "m", "g"), to("g", "f", 1, 8), dense("f", "y", 8, 3),
		}},
	} {
		t.Run(name, func(t *testing.T) { agrees(t, max(c.opset, 17), false, c.ops, c.parts...) })
	}
}
