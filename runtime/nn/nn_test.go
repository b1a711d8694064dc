package nn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

func Example() {
	b := nn.NewBuilder("tiny", nn.Shape{C: 3, H: 32, W: 32})
	x := b.Conv("conv1", b.Input(), nn.Conv2d{Out: 16, Window: nn.Square(3), Pad: nn.Square(1)})
	x = b.ReLU(b.BatchNorm("bn1", x, nn.BatchNorm2d{}))
	x = b.Linear("fc", b.GlobalAvgPool(x), 10)
	g, err := b.Graph(x)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range g.Params() {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// conv1.weight [16 3 3 3]
	// bn1.weight [16]
	// bn1.bias [16]
	// bn1.running_mean [16]
	// bn1.running_var [16]
	// fc.weight [10 16]
	// fc.bias [10]
}

func TestALayerAppliedAgainSharesItsParameters(t *testing.T) {
	b := nn.NewBuilder("t", nn.Shape{C: 3, H: 4, W: 4})
	x := b.Linear("fc", b.GlobalAvgPool(b.Input()), 2)
	y := b.Again(x, b.GlobalMaxPool(b.Input()))
	z := b.Again(y, b.GlobalMaxPool(b.Input()))
	g, err := b.Graph(b.Add(b.Add(x, y), z))
	if err != nil {
		t.Fatal(err)
	}
	if y.ID == x.ID || y.Shared != x || z.Shared != x || y.Name != "fc" || len(y.Params()) != 2 || len(g.Params()) != 2 {
		t.Errorf("%+v, parameters %v", y, g.Params())
	}
}

// The sizes follow from the formulas of torch.nn.MaxPool2d, worked by hand.
func TestWindowsHaveTheSizesThatPyTorchGives(t *testing.T) {
	for _, c := range []struct {
		in, window, stride, pad int
		ceil                    bool
		want                    int
	}{
		{224, 7, 2, 3, false, 112},
		{112, 3, 2, 0, true, 56},
		{113, 3, 2, 0, true, 56},
		{5, 2, 2, 0, false, 2},
		{5, 2, 2, 0, true, 3},
		{4, 3, 2, 1, true, 3},
		{4, 2, 3, 1, true, 2}, // a third window would start outside: dropped
		{1, 1, 1, 0, false, 1},
	} {
		b := nn.NewBuilder("t", nn.Shape{C: 1, H: c.in, W: c.in})
		n := b.MaxPool(b.Input(), nn.Pool2d{Window: nn.Square(c.window), Stride: nn.Square(c.stride), Pad: nn.Square(c.pad), CeilMode: c.ceil})
		if got := n.Shape; got != (nn.Shape{C: 1, H: c.want, W: c.want}) {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestMistakesAreReportedWhenTheGraphIsClosed(t *testing.T) {
	for want, draw := range map[string]func(b *nn.Builder) *nn.Node{
		`the name "layer1.conv" is used twice`: func(b *nn.Builder) *nn.Node {
			s := b.Scope("layer%d", 1)
			s.Conv("conv", b.Input(), nn.Conv2d{Out: 1, Window: nn.Square(1)})
			return s.Conv("conv", b.Input(), nn.Conv2d{Out: 1, Window: nn.Square(1)})
		},
		"add: shapes 3x8x8 and 3x4x4 differ": func(b *nn.Builder) *nn.Node {
			return b.Add(b.Input(), b.Subsample(b.Input(), nn.Square(2)))
		},
		"conv: 3 channels to 4 in 2 groups": func(b *nn.Builder) *nn.Node {
			return b.Conv("conv", b.Input(), nn.Conv2d{Out: 4, Window: nn.Square(1), Groups: 2})
		},
		"MaxPool: a window of 9 (stride 9, padding 0) does not fit 8 pixels": func(b *nn.Builder) *nn.Node {
			return b.MaxPool(b.Input(), nn.Pool2d{Window: nn.Square(9)})
		},
		"mul: gate 3x4x4 does not fit 3x8x8": func(b *nn.Builder) *nn.Node {
			return b.Mul(b.Input(), b.Subsample(b.Input(), nn.Square(2)))
		},
		"concat: 3x4x4 beside 3x8x8": func(b *nn.Builder) *nn.Node {
			return b.Concat(b.Input(), b.Subsample(b.Input(), nn.Square(2)))
		},
		"fc: applied to 3x8x8 and again to 3x1x1": func(b *nn.Builder) *nn.Node {
			return b.Again(b.Linear("fc", b.Input(), 2), b.GlobalAvgPool(b.Input()))
		},
		"padChannels: nothing is left of 3x8x8": func(b *nn.Builder) *nn.Node {
			return b.PadChannels(b.Input(), -3, 1)
		},
		"pad: nothing is left of 3x8x8": func(b *nn.Builder) *nn.Node {
			return b.Pad(b.Input(), nn.Border{Top: -4, Bottom: -4})
		},
	} {
		b := nn.NewBuilder("bad", nn.Shape{C: 3, H: 8, W: 8})
		_, err := b.Graph(draw(b))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
