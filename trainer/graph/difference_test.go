package graph_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/trainer/graph"
)

// projection returns a loss whose gradient is a fixed random vector: a weighted sum of the
// logits.
func projection(seed uint64) graph.Loss {
	return func(grad, logits, _ []float32, _, _ int) float64 {
		r := rand.New(rand.NewPCG(seed, 1))
		var sum float64
		for i, v := range logits {
			grad[i] = float32(r.Float64()*2 - 1)
			sum += float64(v) * float64(grad[i])
		}
		return sum
	}
}

// operations are small networks around one operation each. The parameters of a convolution
// before the operation reveal the gradient of its input.
var operations = map[string]func(b *nn.Builder) *nn.Node{
	"dense": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 5), nn.Conv2d{Out: 7, Window: nn.Square(1), Bias: true})
	},
	"dense 3x3": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 17), nn.Conv2d{Out: 33, Window: nn.Square(3), Pad: nn.Square(1)})
	},
	"dense 3x3, stride 2": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 4), nn.Conv2d{Out: 5, Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1)})
	},
	"dense 1x1, stride 2": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 4), nn.Conv2d{Out: 5, Window: nn.Square(1), Stride: nn.Square(2)})
	},
	"dense 1x7, stride 2 by 3": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 3), nn.Conv2d{Out: 4, Window: nn.HW{H: 1, W: 7}, Stride: nn.HW{H: 2, W: 3}, Pad: nn.HW{W: 3}})
	},
	"dense 2x2 without padding": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 3), nn.Conv2d{Out: 4, Window: nn.Square(2)})
	},
	"groups of 4": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 32), nn.Conv2d{Out: 32, Window: nn.Square(3), Pad: nn.Square(1), Groups: 8})
	},
	"groups of 8, stride 2": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 16), nn.Conv2d{Out: 16, Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1), Groups: 2})
	},
	"groups of 16": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 32), nn.Conv2d{Out: 32, Window: nn.Square(3), Pad: nn.Square(1), Groups: 2})
	},
	"groups of 32": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 64), nn.Conv2d{Out: 64, Window: nn.Square(3), Pad: nn.Square(1), Groups: 2})
	},
	"groups of 3 to 5": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 12), nn.Conv2d{Out: 20, Window: nn.Square(3), Pad: nn.Square(1), Groups: 4, Bias: true})
	},
	"depthwise 3x3": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 20), nn.Conv2d{Out: 20, Window: nn.Square(3), Pad: nn.Square(1), Groups: 20})
	},
	"depthwise 7x7, stride 2": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 16), nn.Conv2d{Out: 16, Window: nn.Square(7), Stride: nn.Square(2), Pad: nn.Square(3), Groups: 16})
	},
	"depthwise, stride 3": func(b *nn.Builder) *nn.Node {
		return conv(b, before(b, 16), nn.Conv2d{Out: 16, Window: nn.Square(3), Stride: nn.Square(3), Groups: 16})
	},
	"batch norm": func(b *nn.Builder) *nn.Node { return b.BatchNorm("norm", before(b, 5), nn.BatchNorm2d{}) },
	"batch norm and ReLU": func(b *nn.Builder) *nn.Node {
		return b.ReLU(b.BatchNorm("norm", before(b, 5), nn.BatchNorm2d{}))
	},
	"ReLU":    func(b *nn.Builder) *nn.Node { return b.ReLU(before(b, 5)) },
	"sigmoid": func(b *nn.Builder) *nn.Node { return b.Sigmoid(before(b, 5)) },
	"swish": func(b *nn.Builder) *nn.Node {
		return b.Activate(before(b, 5), nn.Activation{Kind: nn.Swish, A: 1})
	},
	"steep swish of a batch norm": func(b *nn.Builder) *nn.Node {
		return b.Activate(b.BatchNorm("norm", before(b, 20), nn.BatchNorm2d{}), nn.Activation{Kind: nn.Swish, A: 1.7})
	},
	"every other activation": func(b *nn.Builder) *nn.Node {
		x := before(b, 5)
		var all []*nn.Node
		for _, a := range []nn.Activation{
			{Kind: nn.GELU},
			{Kind: nn.GELUTanh},
			{Kind: nn.HardSigmoid, A: 0.2, B: 0.5},
			{Kind: nn.HardSwish},
			{Kind: nn.Mish},
			{Kind: nn.Clip, A: -0.5, B: 0.7},
			{Kind: nn.LeakyReLU, A: 0.01},
			{Kind: nn.ELU, A: 0.8},
			{Kind: nn.Tanh},
		} {
			all = append(all, b.Activate(x, a))
		}
		return b.Concat(all...)
	},
	"layer norm": func(b *nn.Builder) *nn.Node { return b.LayerNorm("norm", before(b, 37), 1e-6) },
	"layer norm of the images": func(b *nn.Builder) *nn.Node {
		return conv(b, b.LayerNorm("norm", b.Input(), 1e-5), nn.Conv2d{Out: 5, Window: nn.Square(3)})
	},
	"layer norm of activations": func(b *nn.Builder) *nn.Node {
		x := b.Activate(before(b, 20), nn.Activation{Kind: nn.Clip, A: 0.3, B: 2}) // not 0 in missing channels
		return b.LayerNorm("norm", x, 1e-6)
	},
	"layer norm of few": func(b *nn.Builder) *nn.Node { return b.LayerNorm("norm", b.GlobalAvgPool(before(b, 20)), 1e-6) },
	"layer scale": func(b *nn.Builder) *nn.Node {
		return b.LayerScale("scale", b.PixelLinear("linear", before(b, 5), 21))
	},
	"sum of a shared input": func(b *nn.Builder) *nn.Node {
		x := before(b, 5)
		return b.ReLU(b.AddScaled(conv(b, x, nn.Conv2d{Out: 5, Window: nn.Square(1)}), x, 0.5))
	},
	"twice the same": func(b *nn.Builder) *nn.Node { x := before(b, 5); return b.Add(x, x) },
	"max pool": func(b *nn.Builder) *nn.Node {
		return b.MaxPool(before(b, 5), nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1)})
	},
	"max pool, ceil mode": func(b *nn.Builder) *nn.Node {
		return b.MaxPool(before(b, 5), nn.Pool2d{Window: nn.Square(2), CeilMode: true})
	},
	"mean pool with padding": func(b *nn.Builder) *nn.Node {
		return b.AvgPool(before(b, 5), nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1), CountIncludePad: true})
	},
	"mean pool without": func(b *nn.Builder) *nn.Node {
		return b.AvgPool(before(b, 5), nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1)})
	},
	"global mean":         func(b *nn.Builder) *nn.Node { return b.GlobalAvgPool(before(b, 5)) },
	"global maximum":      func(b *nn.Builder) *nn.Node { return b.GlobalMaxPool(before(b, 5)) },
	"mean of channels":    func(b *nn.Builder) *nn.Node { return b.ChannelMean(before(b, 20)) },
	"maximum of channels": func(b *nn.Builder) *nn.Node { return b.ChannelMax(before(b, 20)) },
	"gate of channels": func(b *nn.Builder) *nn.Node {
		x := before(b, 20)
		return b.Mul(x, b.Sigmoid(conv(b, b.GlobalAvgPool(x), nn.Conv2d{Out: 20, Window: nn.Square(1), Bias: true})))
	},
	"gate of pixels": func(b *nn.Builder) *nn.Node {
		x := before(b, 20)
		return b.Mul(x, b.Sigmoid(b.ChannelMean(x)))
	},
	"concatenation": func(b *nn.Builder) *nn.Node {
		x := before(b, 5)
		return b.Concat(x, conv(b, x, nn.Conv2d{Out: 16, Window: nn.Square(1)}), b.Sigmoid(x))
	},
	"pad and crop": func(b *nn.Builder) *nn.Node {
		return b.Pad(before(b, 5), nn.Border{Top: 1, Left: 2, Bottom: -1, Right: -2})
	},
	"subsample":     func(b *nn.Builder) *nn.Node { return b.Subsample(before(b, 5), nn.HW{H: 2, W: 3}) },
	"pad channels":  func(b *nn.Builder) *nn.Node { return b.PadChannels(before(b, 5), 3, 14) },
	"dropout":       func(b *nn.Builder) *nn.Node { return b.Dropout(before(b, 5), 0.4) },
	"linear of all": func(b *nn.Builder) *nn.Node { return b.Linear("linear", before(b, 5), 6) },
	"a layer again": func(b *nn.Builder) *nn.Node {
		x := before(b, 5)
		y := b.Linear("linear", b.GlobalAvgPool(x), 6)
		return b.Add(y, b.Again(y, b.GlobalMaxPool(x)))
	},
	"of the images": func(b *nn.Builder) *nn.Node { return b.BatchNorm("norm", b.Input(), nn.BatchNorm2d{}) },
	"depthwise of the images": func(b *nn.Builder) *nn.Node {
		return conv(b, b.Input(), nn.Conv2d{Out: 3, Window: nn.Square(3), Groups: 3})
	},
}

func before(b *nn.Builder, channels int) *nn.Node {
	return b.Conv("before", b.Input(), nn.Conv2d{Out: channels, Window: nn.Square(1), Bias: true})
}

func conv(b *nn.Builder, x *nn.Node, c nn.Conv2d) *nn.Node { return b.Conv("conv", x, c) }

// operation builds a network around one operation, for 3 images of 9x8 pixels.
func operation(t *testing.T, draw func(b *nn.Builder) *nn.Node) *nn.Graph {
	t.Helper()
	b := nn.NewBuilder("operation", nn.Shape{C: 3, H: 9, W: 8})
	g, err := b.Graph(b.Linear("last", draw(b), 4))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const fewImages = 3

func fewPixels() []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	images := make([]float32, fewImages*9*8*3)
	for i := range images {
		images[i] = r.Float32()*2 - 1
	}
	return images
}

// A gradient is a limit of differences: (f(w+h)-f(w-h))/2h is the product of gradient and
// direction. The test takes a random direction of all parameters, and one of each tensor.
// The loss is linear in the logits, so only the operation is curved. h is large enough for
// float32, and small enough for kinks to be rare.
func TestGradientsMatchDifferences(t *testing.T) {
	for name, draw := range operations {
		t.Run(name, func(t *testing.T) {
			g := operation(t, draw)
			m, err := graph.New(g, golden.StateDict(g), graph.Options{Batch: fewImages, Loss: projection(9)})
			if err != nil {
				t.Fatal(err)
			}
			images, labels := fewPixels(), make([]float32, fewImages*4)
			value := func() float64 {
				m.SetRNG(7)
				v, _, err := m.Step(context.Background(), images, labels)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			value()
			grads := map[string][]float32{}
			for p := range m.Gradients() {
				grads[p.Name] = append([]float32(nil), p.Grad...)
			}
			r := rand.New(rand.NewPCG(5, 6))
			for p := range m.Gradients() {
				old := append([]float32(nil), p.Value...)
				direction := make([]float32, len(old))
				var slope, size float64
				for i := range direction {
					direction[i] = float32(2*r.IntN(2) - 1)
					slope += float64(direction[i]) * float64(grads[p.Name][i])
					size += float64(grads[p.Name][i]) * float64(grads[p.Name][i])
				}
				best := math.Inf(1)
				var got float64
				for _, h := range []float32{1e-2, 3e-3, 1e-3, 3e-4, 1e-4} {
					move := func(h float32) float64 {
						for i := range old {
							p.Value[i] = old[i] + h*direction[i]
						}
						return value()
					}
					d := (move(h) - move(-h)) / (2 * float64(h))
					if e := math.Abs(d - slope); e < best {
						best, got = e, d
					}
				}
				copy(p.Value, old)
				if tolerance := 1e-2*math.Max(math.Abs(slope), math.Sqrt(size)) + 1e-4; best > tolerance {
					t.Errorf("%s: the gradient's slope is %.6g, the difference's %.6g", p.Name, slope, got)
				}
			}
		})
	}
}
