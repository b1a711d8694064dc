package nn_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// everyOp draws a network with all operations.
func everyOp(t testing.TB) *nn.Graph {
	t.Helper()
	b := nn.NewBuilder("all", nn.Shape{C: 3, H: 16, W: 12})
	x := b.Conv("a name \"with\" spaces", b.Input(), nn.Conv2d{Out: 8, Window: nn.HW{H: 3, W: 1}, Stride: nn.HW{H: 2, W: 1}, Pad: nn.HW{H: 1}})
	x = b.Dropout(b.ReLU(b.BatchNorm("norm", x, nn.BatchNorm2d{Eps: 1e-3})), 0.25)
	y := b.Conv("grouped", x, nn.Conv2d{Out: 8, Window: nn.Square(3), Pad: nn.Square(1), Groups: 4, Bias: true})
	x = b.AddScaled(x, b.Again(y, y), 0.1)
	x = b.Mul(x, b.Sigmoid(b.Concat(b.ChannelMean(x), b.ChannelMax(x)).In[0]))
	x = b.Subsample(b.Pad(x, nn.Border{Top: 1, Bottom: -2, Right: 3}), nn.HW{H: 1, W: 2})
	x = b.PadChannels(x, 1, 2)
	x = b.MaxPool(x, nn.Pool2d{Window: nn.Square(2), CeilMode: true})
	x = b.AvgPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1), CountIncludePad: true})
	x = b.Activate(x, nn.Activation{Kind: nn.Clip, A: -0.5, B: 6})
	x = b.LayerScale("scale", b.PixelLinear("pixel linear", b.LayerNorm("layer norm", x, 1e-6), 7))
	x = tokens(b, x)
	x = b.Concat(b.GlobalAvgPool(x), b.GlobalMaxPool(x))
	g, err := b.Graph(b.Linear("fc", x, 5))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// tokens draws the operations on tokens.
func tokens(b *nn.Builder, x *nn.Node) *nn.Node {
	s := x.Shape
	y := b.Rearrange(x, nn.Arrangement{
		First:  [3]int{1, 0, 2},
		Digits: [3][]nn.Digit{{{Size: s.C, Axis: nn.AxisC, Step: 1}}, nil, {{Size: s.H, Axis: nn.AxisH, Step: 1}, {Size: s.W, Axis: nn.AxisW, Step: 1}}},
	})
	y = b.Combine(nn.Over, y, b.Constant("position", nn.Shape{C: 1, H: 1, W: y.Shape.W}))
	y = b.GroupNorm("group norm", b.ConcatPixels(b.Constant("class token", nn.Shape{C: s.C, H: 1, W: 1}), y), 1, 1e-3)
	y = b.Attention("attention", y, y, y, nn.Attention{Scale: 0.5, Bias: 1, Mask: 1})
	return b.MatMul(b.Softmax(y), b.Constant("w", nn.Shape{C: 4, H: 1, W: s.C}), 1)
}

func TestGraphsSurviveTheirText(t *testing.T) {
	graphs := []*nn.Graph{everyOp(t)}
	for _, a := range arch.All() {
		g, err := a.Build(arch.Config{InputSize: 107, Classes: 5, Dropout: 0.3})
		if err != nil {
			t.Fatal(err)
		}
		g.Modules = nil // a text has none
		graphs = append(graphs, g)
	}
	for _, g := range graphs {
		got, err := nn.ParseText(g.Arch, g.Text())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, g) {
			t.Errorf("%s: the network differs\n%s\n%s", g.Arch, got.Text(), g.Text())
		}
	}
}

func TestDamagedTextsAreRefused(t *testing.T) {
	const begin = "Input 3 8 8\nConv 0 \"c\" 4 3 3 1 1 1 1 1 false\n"
	for text, want := range map[string]string{
		"":                                 "no output",
		begin:                              "no output",
		"ReLU 0\n":                         `line 1 of the network t: "ReLU" is out of order`,
		begin + "Input 3 8 8\n":            "out of order",
		begin + "Output 1\nReLU 1\n":       "out of order",
		begin + "Relu 1\n":                 `there is no operation "Relu"`,
		begin + "ReLU 2\n":                 `there is no node "2" before`,
		begin + "ReLU -1\n":                "there is no node",
		begin + "ReLU\n":                   "too short",
		begin + "ReLU 1 1\n":               "1 words too many",
		begin + "\n":                       "empty",
		begin + "Subsample 1 0 1\n":        `"0" is no number from 1`,
		begin + "Linear 1 \"f\" 9999999\n": "is no number",
		begin + "Linear 1 \"f 3\n":         "not closed",
		begin + "Linear 1 f 3\n":           "no quoted name",
		begin + "Linear 1 \"c\" 3\n":       `the name "c" is used twice`,
		begin + "Again 1 0\n":              "no parameters to share",
		begin + "Activate 1 Wave 1 1\n":    "no such activation",
		begin + "Add 0 1 1\n":              "shapes 3x8x8 and 4x8x8 differ",
		"Input 3 8 8\nConv 0 \"c\" 4 3 3 1 1 1 1 1 no\n": "neither true nor false",
		begin + "Dropout 1 x\n":                          `"x" is no number`,
	} {
		if _, err := nn.ParseText("t", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseText(f *testing.F) {
	f.Add(everyOp(f).Text())
	f.Fuzz(func(t *testing.T, text string) {
		g, err := nn.ParseText("t", text)
		if err != nil {
			return
		}
		again, err := nn.ParseText("t", g.Text())
		if err != nil || again.Text() != g.Text() {
			t.Errorf("%v: %q becomes %q", err, text, g.Text())
		}
	})
}
