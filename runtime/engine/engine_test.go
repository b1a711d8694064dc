package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// cifarWeights returns a safetensors file of a ResNet-20 with random weights.
func cifarWeights() []byte {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		panic(err)
	}
	params, dict := golden.ParamsOf(g), &weights.StateDict{}
	for _, p := range g.Params() {
		data, shape, err := params.Float32(p.Name)
		if err != nil {
			panic(err)
		}
		dict.Tensors = append(dict.Tensors, weights.NewFloat32(p.Name, shape, data))
	}
	var file bytes.Buffer
	if err := weights.Write(&file, dict); err != nil {
		panic(err)
	}
	return file.Bytes()
}

func TestArenaBytesIsWhatOneImageTakes(t *testing.T) {
	g := draw(t, "cifar_resnet20", arch.Config{InputSize: 32, Classes: 10})
	e, err := engine.Compile(g, golden.ParamsOf(g), engine.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.ArenaBytes(), engine.ActivationBytes(g); got != want || got >= 1<<20 {
		t.Errorf("an arena has %d bytes, the activations %d", got, want)
	}
}

// square returns a convolution with a square window.
func square(out, window, stride, pad, groups int) nn.Conv2d {
	return nn.Conv2d{Out: out, Window: nn.Square(window), Stride: nn.Square(stride), Pad: nn.Square(pad), Groups: groups}
}

// drawings holds small networks on maps of odd sizes. Each contains operations that
// the compiler treats in a special way, and returns its last map.
var drawings = map[string]func(b *nn.Builder, x *nn.Node) *nn.Node{
	"dense": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.ReLU(b.BatchNorm("n1", b.Conv("c1", x, square(40, 7, 2, 3, 1)), nn.BatchNorm2d{}))
		x = b.Conv("c2", x, nn.Conv2d{Out: 35, Window: nn.HW{H: 5, W: 1}, Pad: nn.HW{H: 2}, Bias: true})
		return b.Conv("c3", x, nn.Conv2d{Out: 70, Window: nn.Square(1), Stride: nn.Square(3)})
	},
	"winograd": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c1", x, square(40, 1, 1, 0, 1))
		y := b.ReLU(b.Conv("c2", x, square(64, 3, 1, 1, 1)))
		y = b.Conv("c3", y, nn.Conv2d{Out: 48, Window: nn.HW{H: 1, W: 3}, Pad: nn.HW{W: 1}, Bias: true})
		y = b.Conv("c4", y, nn.Conv2d{Out: 40, Window: nn.HW{H: 3, W: 1}, Pad: nn.HW{H: 1}})
		x = b.ReLU(b.Add(x, y))
		return b.Conv("c5", b.AddScaled(x, b.Conv("c6", x, square(40, 3, 1, 1, 1)), 0.3), square(33, 3, 1, 0, 1))
	},
	"grouped": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c0", x, square(64, 1, 1, 0, 1))
		for i, groups := range []int{16, 8, 4, 2, 32, 64} {
			x = b.ReLU(b.Conv(fmt.Sprint("c", i+1), x, square(64, 3, 1+i%2, 1, groups)))
		}
		x = b.Conv("c7", x, square(96, 3, 1, 1, 32))
		x = b.Add(x, b.Activate(b.Conv("c8", x, square(96, 3, 1, 1, 4)), nn.Activation{Kind: nn.Swish, A: 1}))
		return b.Add(x, b.Conv("c9", b.Conv("c10", x, square(60, 3, 1, 1, 6)), square(96, 1, 1, 0, 3)))
	},
	"depthwise": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c0", x, square(24, 1, 1, 0, 1))
		for i, k := range []int{3, 5, 7, 2} {
			y := b.BatchNorm(fmt.Sprint("n", i), b.Conv(fmt.Sprint("c", i+1), b.ReLU(x), square(24, k, 1+i%2, k/2, 24)), nn.BatchNorm2d{})
			x = b.Conv(fmt.Sprint("p", i), y, square(24, 1, 1, 0, 1))
		}
		return x
	},
	"pools": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.BatchNorm("n", b.Conv("c", x, square(20, 3, 1, 1, 1)), nn.BatchNorm2d{})
		x = b.MaxPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(2), CeilMode: true})
		y := b.AvgPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1)})
		z := b.AvgPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1), CountIncludePad: true})
		w := b.MaxPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1)})
		x = b.Concat(b.Add(y, z), w)
		x = b.AvgPool(x, nn.Pool2d{Window: nn.Square(2), Stride: nn.Square(3), CeilMode: true})
		return b.MaxPool(x, nn.Pool2d{Window: nn.HW{H: 1, W: 2}, Stride: nn.HW{H: 1, W: 3}, Pad: nn.HW{W: 1}})
	},
	"concat": func(b *nn.Builder, x *nn.Node) *nn.Node {
		p := b.ReLU(b.Conv("a", x, square(27, 3, 1, 1, 1)))
		q := b.Conv("b", x, square(32, 1, 1, 0, 1))
		r := b.Conv("c", b.ReLU(q), square(32, 3, 1, 1, 32))
		x = b.Conv("d", b.Concat(p, q, r), square(21, 3, 1, 1, 1)) // leaves empty positions
		x = b.Concat(x, p, x)                                      // copied, as it is used twice
		return b.ReLU(b.Conv("e", b.ReLU(b.Concat(b.Conv("f", x, square(16, 1, 2, 0, 1)), b.Conv("g", x, square(48, 3, 2, 1, 1)))), square(8, 1, 1, 0, 1)))
	},
	"dense block": func(b *nn.Builder, x *nn.Node) *nn.Node {
		parts := []*nn.Node{b.MaxPool(b.Conv("c", x, square(32, 3, 1, 1, 1)), nn.Pool2d{Window: nn.Square(2)})}
		for i := range 4 {
			y := b.ReLU(b.BatchNorm(fmt.Sprint("n", i), b.Concat(parts...), nn.BatchNorm2d{}))
			parts = append(parts, b.Conv(fmt.Sprint("d", i), y, square(16, 3, 1, 1, 1)))
		}
		return b.Conv("e", b.AvgPool(b.Concat(parts...), nn.Pool2d{Window: nn.Square(2)}), square(24, 3, 1, 1, 1))
	},
	"dropped channels": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(50, 3, 1, 1, 1))
		x = b.Concat(b.PadChannels(x, -20, -7), b.PadChannels(x, 2, -40), b.PadChannels(x, -33, 1))
		return b.Conv("d", x, square(8, 3, 1, 1, 1))
	},
	"layer norms": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.LayerNorm("n1", b.Conv("c1", x, square(40, 3, 1, 1, 1)), 1e-6)
		x = b.Conv("c2", x, square(20, 3, 2, 1, 1)) // reads a border, and positions without a channel
		return b.Conv("c3", b.Concat(b.LayerNorm("n2", x, 1e-5), x), square(8, 1, 1, 0, 1))
	},
	"attention": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(96, 7, 4, 3, 1))
		x = b.ConcatPixels(b.Constant("class", nn.Shape{C: 96, H: 1, W: 1}), x)
		x = b.Combine(nn.Plus, x, b.Constant("position", x.Shape))
		y := b.Conv("qkv", b.GroupNorm("n1", x, 6, 1e-5), square(288, 1, 1, 0, 1))
		y = b.Attention("a", b.PadChannels(y, 0, -192), b.PadChannels(y, -96, -96), b.PadChannels(y, -192, 0), nn.Attention{Heads: 3, Scale: 0.2, Bias: 3, Mask: 1})
		x = b.Add(x, b.Conv("p", y, square(96, 1, 1, 0, 1)))
		// Heads that are no whole planes.
		q, k, v := b.Conv("q", x, square(36, 1, 1, 0, 1)), b.Conv("k", x, square(36, 1, 1, 0, 1)), b.Conv("v", x, square(60, 1, 1, 0, 1))
		x = b.Attention("a2", q, k, v, nn.Attention{Heads: 3, Scale: 0.2})
		return b.Conv("p2", b.Softmax(b.MatMul(x, b.Constant("w", nn.Shape{C: 35, H: 6, W: 10}), 1)), square(16, 1, 1, 0, 1))
	},
	"windows": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Pad(b.Conv("c", x, square(32, 3, 1, 1, 1)), nn.Border{Bottom: 24 - x.Shape.H, Right: 24 - x.Shape.W})
		y := b.Rearrange(x, nn.Arrangement{First: [3]int{0, 3, 2}, Digits: [3][]nn.Digit{
			{{Size: 32, Step: 1}},
			{{Size: 4, Axis: nn.AxisH, Step: 6}, {Size: 3, Axis: nn.AxisW, Step: 8}},
			{{Size: 6, Axis: nn.AxisH, Step: 1}, {Size: 8, Axis: nn.AxisW, Step: 1}},
		}})
		y = b.BatchNorm("n", b.Conv("q", y, square(32, 1, 1, 0, 1)), nn.BatchNorm2d{})
		y = b.Attention("a", y, y, y, nn.Attention{Heads: 2, Groups: 12, Scale: 0.3, Bias: 2, Mask: 12})
		y = b.Rearrange(b.Conv("p", y, square(32, 1, 1, 0, 1)), nn.Arrangement{Digits: [3][]nn.Digit{
			{{Size: 32, Step: 1}},
			{{Size: 4, Axis: nn.AxisH, Step: 3}, {Size: 6, Axis: nn.AxisW, Step: 8}},
			{{Size: 3, Axis: nn.AxisH, Step: 1}, {Size: 8, Axis: nn.AxisW, Step: 1}},
		}})
		y = b.Add(x, b.Rearrange(y, nn.Arrangement{First: [3]int{0, 21, 22}, Digits: [3][]nn.Digit{
			{{Size: 32, Step: 1}}, {{Size: 24, Axis: nn.AxisH, Step: 1}}, {{Size: 24, Axis: nn.AxisW, Step: 1}},
		}}))
		y = b.Rearrange(y, nn.Arrangement{Digits: [3][]nn.Digit{ // patch merging, and channels in another order
			{{Size: 2, Axis: nn.AxisW, Step: 8}, {Size: 2, Axis: nn.AxisW, Step: 1}, {Size: 8, Step: 4}, {Size: 2, Step: 2}},
			{{Size: 12, Axis: nn.AxisH, Step: 2}},
			{{Size: 12, Axis: nn.AxisW, Step: 2}},
		}})
		heads := b.Rearrange(x, nn.Arrangement{Digits: [3][]nn.Digit{ // two heads to pixels, and a wrap-around
			{{Size: 16, Step: 1}, {Size: 4, Axis: nn.AxisW, Step: 7}}, {{Size: 2, Step: 16}, {Size: 6, Axis: nn.AxisH, Step: 4}}, {{Size: 12, Axis: nn.AxisW, Step: 1}},
		}})
		y = b.Combine(nn.Plus, y, heads)
		y = b.Combine(nn.Larger, y, b.Rearrange(y, nn.Arrangement{First: [3]int{60}, Digits: [3][]nn.Digit{{{Size: 64, Step: 1}}, nil, nil}}))
		y = b.Combine(nn.Minus, y, b.ChannelMean(y))
		y = b.Combine(nn.Over, y, b.Conv("one", b.Combine(nn.Times, b.GlobalAvgPool(y), b.GlobalMaxPool(b.ChannelMax(y))), nn.Conv2d{Out: 1, Window: nn.Square(1), Bias: true}))
		return b.Combine(nn.Plus, b.Rearrange(y, nn.Arrangement{Digits: [3][]nn.Digit{{{Size: 12, Axis: nn.AxisH, Step: 1}}, {{Size: 64, Step: 1}}, {{Size: 12, Axis: nn.AxisW, Step: 1}}}}),
			b.Constant("last", nn.Shape{C: 1, H: 64, W: 1}))
	},
	"layer scales": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.LayerScale("s1", b.Conv("c1", x, square(20, 3, 1, 1, 1)))
		x = b.Add(x, b.LayerScale("s2", b.PixelLinear("c2", b.LayerNorm("n", x, 1e-6), 20)))
		return b.LayerScale("s3", b.LayerScale("s4", x))
	},
	"activations": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(20, 3, 1, 1, 1))
		for i, a := range []nn.Activation{
			{Kind: nn.Swish, A: 1},
			{Kind: nn.GELU},
			{Kind: nn.GELUTanh},
			{Kind: nn.HardSigmoid, A: 0.2, B: 0.5},
			{Kind: nn.HardSwish},
			{Kind: nn.Mish},
			{Kind: nn.Clip, A: 0.1, B: 6},
			{Kind: nn.LeakyReLU, A: 0.01},
			{Kind: nn.ELU, A: 1},
			{Kind: nn.Tanh},
		} {
			// A convolution would see values at positions without a channel.
			x = b.Conv(fmt.Sprint("c", i), b.Activate(x, a), square(20, 3, 1, 1, 1+i%2))
		}
		return x
	},
	"epilogues": func(b *nn.Builder, x *nn.Node) *nn.Node {
		silu, shifted := nn.Activation{Kind: nn.Swish, A: 1}, nn.Activation{Kind: nn.HardSigmoid, A: 0.2, B: 0.5}
		x = b.Activate(b.Conv("c1", x, square(40, 3, 1, 1, 1)), shifted)
		y := b.Activate(b.Conv("winograd", x, square(40, 3, 1, 1, 1)), shifted)
		y = b.Activate(b.Add(x, b.Conv("residual", y, square(40, 3, 1, 1, 1))), silu)
		y = b.Activate(b.BatchNorm("n", b.Conv("depthwise", y, square(40, 5, 2, 2, 40)), nn.BatchNorm2d{}), shifted)
		y = b.Activate(b.Mul(y, b.Activate(b.Linear("l", b.GlobalAvgPool(y), 40), shifted)), silu)
		y = b.Activate(b.Add(b.Activate(b.BatchNorm("n2", b.MaxPool(y, nn.Pool2d{Window: nn.Square(1)}), nn.BatchNorm2d{}), shifted), y), shifted)
		y = b.Activate(b.Conv("c2", y, square(64, 1, 1, 0, 1)), silu)
		y = b.Activate(b.Conv("grouped", y, square(64, 3, 1, 1, 8)), shifted)
		y = b.BatchNorm("n4", b.BatchNorm("n3", b.Conv("norms", y, square(64, 1, 1, 0, 1)), nn.BatchNorm2d{}), nn.BatchNorm2d{})
		return b.Conv("c3", b.Concat(y, b.Activate(b.Conv("c4", y, square(40, 1, 1, 0, 1)), shifted)), square(8, 1, 1, 0, 1))
	},
	"scaled inputs": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(40, 3, 1, 1, 1))
		y := b.Conv("p1", b.Mul(b.ReLU(x), b.Sigmoid(b.Linear("l", b.GlobalAvgPool(x), 40))), square(150, 1, 1, 0, 1))
		z := b.ReLU(b.BatchNorm("n1", b.Concat(b.MaxPool(x, nn.Pool2d{Window: nn.Square(1)}), x), nn.BatchNorm2d{}))
		y = b.Add(y, b.Conv("p2", z, square(150, 1, 1, 0, 1)))
		y = b.Conv("p3", b.BatchNorm("n2", y, nn.BatchNorm2d{}), nn.Conv2d{Out: 24, Window: nn.Square(1), Stride: nn.Square(2)})
		w := b.Mul(y, b.GlobalMaxPool(y))
		return b.Add(b.Conv("p4", w, square(24, 1, 1, 0, 1)), w) // two readers: not packed
	},
	"padded input": func(b *nn.Builder, x *nn.Node) *nn.Node {
		y := b.Conv("c1", b.Pad(x, nn.Border{Bottom: 1, Right: 2}), square(24, 3, 2, 0, 1))
		return b.Add(y, b.Conv("c2", b.Pad(x, nn.Border{Top: 1, Left: 2}), square(24, 3, 2, 0, 1)))
	},
	"gates": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(40, 3, 2, 1, 1))
		s := b.Sigmoid(b.Linear("l2", b.ReLU(b.Linear("l1", b.GlobalAvgPool(x), 4)), 40))
		y := b.ReLU(b.Add(b.Mul(x, s), x))
		pixels := b.Concat(b.ChannelMax(y), b.ChannelMean(y))
		z := b.Mul(y, b.Sigmoid(b.Conv("k", pixels, square(1, 7, 1, 3, 1))))
		z = b.Add(z, b.Mul(y, b.ChannelMean(z)))
		return b.Mul(z, b.GlobalMaxPool(z))
	},
	"moves": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(18, 3, 1, 1, 1))
		y := b.Subsample(b.Pad(b.ReLU(x), nn.Border{Top: -1, Bottom: 1, Left: -1, Right: 1}), nn.Square(2))
		even := b.Conv("even", b.Subsample(b.ReLU(x), nn.Square(2)), square(9, 1, 1, 0, 1))
		x = b.BatchNorm("n", b.Concat(even, b.Conv("odd", y, square(9, 1, 1, 0, 1))), nn.BatchNorm2d{Eps: 1e-3})
		p := b.Pad(x, nn.Border{Top: 1, Left: 1})
		m := b.Pad(b.MaxPool(p, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1)}), nn.Border{Top: -1, Left: -1})
		d := b.Conv("pw", b.Conv("dw", p, square(18, 5, 2, 2, 18)), square(18, 1, 1, 0, 1))
		d = b.BatchNorm("n2", b.Pad(d, nn.Border{Top: -1, Left: -1}), nn.BatchNorm2d{})
		return b.PadChannels(b.Pad(b.Add(d, m), nn.Border{Top: 2, Bottom: -1, Right: 1}), 3, 10)
	},
	"shared": func(b *nn.Builder, x *nn.Node) *nn.Node {
		x = b.Conv("c", x, square(32, 1, 1, 0, 1))
		y := b.Conv("s", x, square(32, 3, 1, 1, 1))
		return b.Dropout(b.Add(b.ReLU(y), b.Again(y, b.ReLU(b.MaxPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1)})))), 0.5)
	},
}

// sketch draws one of them with three logits on an input of this size.
func sketch(t testing.TB, name string, size nn.Shape) *nn.Graph {
	t.Helper()
	b := nn.NewBuilder(name, size)
	x := b.Mark("map", drawings[name](b, b.Input()))
	g, err := b.Graph(b.Mark("logits", b.Linear("fc", b.GlobalAvgPool(x), 3)))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var sizes = []nn.Shape{{C: 3, H: 29, W: 23}, {C: 3, H: 34, W: 41}, {C: 20, H: 20, W: 20}}

func pictures(n int, s nn.Shape) []float32 {
	images := make([]float32, n*s.Len())
	for i := range images {
		images[i] = float32(golden.Uniform("pictures", i))
	}
	return images
}

// The program folds, fuses and packs. Modules does not, so it serves as the oracle.
func TestProgramsComputeTheSameAsModules(t *testing.T) {
	for name := range drawings {
		for _, size := range sizes {
			g := sketch(t, name, size)
			p := golden.ParamsOf(g)
			image := pictures(1, size)
			var want []float32
			err := engine.Modules(g, p, image, func(name string, _ nn.Shape, out []float32) {
				if name == "logits" {
					want = slices.Clone(out)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, set := range simd.Sets() {
				compare(t, fmt.Sprintf("%s at %v on %s", name, size, set.Name), predict(t, g, p, image, engine.Options{SIMD: set}), want)
			}
		}
	}
}

func TestLogitsDependNeitherOnThreadsNorOnOtherImages(t *testing.T) {
	const n = 7
	for name := range drawings {
		for _, set := range simd.Sets() {
			if set == simd.Scalar && len(simd.Sets()) > 1 && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
				continue // slow
			}
			g := sketch(t, name, sizes[1])
			p := golden.ParamsOf(g)
			images := pictures(n, sizes[1])
			want := predict(t, g, p, images, engine.Options{SIMD: set, Threads: 1})
			for _, threads := range []int{2, 5} {
				if got := predict(t, g, p, images, engine.Options{SIMD: set, Threads: threads}); !slices.Equal(got, want) {
					t.Errorf("%s on %s: %d threads give %v, one gives %v", name, set.Name, threads, got, want)
				}
			}
			for _, threads := range []int{1, 2, 5} {
				var singles []float32
				for i := range n {
					size := len(images) / n
					singles = append(singles, predict(t, g, p, images[i*size:][:size], engine.Options{SIMD: set, Threads: threads})...)
				}
				if !slices.Equal(singles, want) {
					t.Errorf("%s on %s: %d images one by one with %d threads give %v, together %v", name, set.Name, n, threads, singles, want)
				}
			}
		}
	}
}

func TestPredictingAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		g := sketch(t, "gates", sizes[1])
		e, err := engine.Compile(g, golden.ParamsOf(g), engine.Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 16} {
			images, logits := pictures(n, sizes[1]), make([]float32, n*3)
			ctx := context.Background()
			allocs := testing.AllocsPerRun(20, func() {
				if err := e.Predict(ctx, images, logits); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > 0 {
				t.Errorf("%d images with %d threads: %v allocations", n, threads, allocs)
			}
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	g := sketch(b, "winograd", sizes[1])
	e, err := engine.Compile(g, golden.ParamsOf(g), engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	images, logits := pictures(16, sizes[1]), make([]float32, 16*3)
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Predict(context.Background(), images, logits); err != nil {
			b.Fatal(err)
		}
	}
}

// lacking is a state dict that lacks one tensor, or has it with another shape.
type lacking struct {
	engine.Params
	name  string
	shape []int
}

func (l lacking) Float32(name string) ([]float32, []int, error) {
	data, shape, err := l.Params.Float32(name)
	if name == l.name {
		if l.shape == nil {
			return nil, nil, errors.New("it isn't there")
		}
		return data, l.shape, nil
	}
	return data, shape, err
}

func TestErrorsNameWeightsAndInputsThatDoNotFit(t *testing.T) {
	g := sketch(t, "dense", sizes[0])
	p := golden.ParamsOf(g)
	if _, err := engine.Compile(g, lacking{p, "c2.weight", nil}, engine.Options{}); err == nil || err.Error() != "loading tensor c2.weight: it isn't there" {
		t.Errorf("got %v", err)
	}
	var shape *engine.ShapeError
	_, err := engine.Compile(g, lacking{p, "n1.running_var", []int{4}}, engine.Options{})
	if !errors.As(err, &shape) || shape.Param != "n1.running_var" || !slices.Equal(shape.Want, []int{40}) {
		t.Errorf("got %v", err)
	}
	e, err := engine.Compile(g, p, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Predict(context.Background(), make([]float32, 5), make([]float32, 3)); err == nil || !strings.Contains(err.Error(), "an image has 2001 values and 3 logits") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Predict(ctx, pictures(2, sizes[0]), make([]float32, 6)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A NaN in an image must reach the logits.
func TestNaNReachesTheLogits(t *testing.T) {
	for _, name := range []string{"dense", "winograd", "grouped", "depthwise", "gates", "pools"} {
		g := sketch(t, name, sizes[1])
		images := pictures(1, sizes[1])
		for i := range images {
			images[i] = float32(math.NaN())
		}
		for _, set := range simd.Sets() {
			for _, v := range predict(t, g, golden.ParamsOf(g), images, engine.Options{SIMD: set}) {
				if v == v {
					t.Errorf("%s on %s: NaN became %v", name, set.Name, v)
				}
			}
		}
	}
}
