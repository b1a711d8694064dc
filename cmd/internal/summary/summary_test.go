package summary_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/summary"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

func Example() {
	b := nn.NewBuilder("tiny", nn.Shape{C: 3, H: 32, W: 32})
	x := b.Conv("conv1", b.Input(), nn.Conv2d{Out: 16, Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1)})
	x = b.ReLU(b.BatchNorm("bn1", x, nn.BatchNorm2d{}))
	g, err := b.Graph(b.Linear("fc", b.GlobalAvgPool(x), 10))
	if err != nil {
		panic(err)
	}
	if err := summary.Of(g).Write(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// LAYER            KIND           OUTPUT    PARAMETERS  GFLOP
	// conv1            Conv 3x3/2     16x16x16  464         0.0002
	// (GlobalAvgPool)  GlobalAvgPool  16x1x1    0           0.0000
	// fc               Linear         10x1x1    170         0.0000
	// tiny at 32x32: 3 layers, 634 parameters (0.0 MB), 0.00 GFLOP an image, at most 0.0 MB of activations
}

// Parameters and multiplications as torchvision's documentation gives them
// (its GFLOPS are multiply-adds).
func TestTheSumsEqualTorchvisions(t *testing.T) {
	for _, c := range []struct {
		arch   arch.Arch
		params int64
		gmac   float64
	}{
		{arch.ResNet18, 11689512, 1.81},
		{arch.ResNet34, 21797672, 3.66},
		{arch.ResNet50, 25557032, 4.09},
		{arch.ResNet101, 44549160, 7.80},
	} {
		g, err := c.arch.Build(arch.Config{InputSize: 224, Classes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		s := summary.Of(g)
		if gmac := float64(s.FLOP) / 2e9; s.Params != c.params || math.Abs(gmac-c.gmac) > 0.006 {
			t.Errorf("%s: %d parameters, %.3f GMAC", c.arch.Name, s.Params, gmac)
		}
	}
}

// A layer that is applied twice has its operations twice, but its parameters once.
func TestLayersAddUp(t *testing.T) {
	for _, a := range arch.All() {
		g, err := a.Build(arch.Config{InputSize: 128, Classes: 10})
		if err != nil {
			t.Fatal(err)
		}
		s := summary.Of(g)
		var params, flop, want int64
		for _, l := range s.Layers {
			params += l.Params
			flop += l.FLOP
		}
		for _, p := range g.Params() {
			if p.Role.Trainable() {
				n := int64(1)
				for _, d := range p.Shape {
					n *= int64(d)
				}
				want += n
			}
		}
		if params != s.Params || params != want || flop != s.FLOP || flop == 0 {
			t.Errorf("%s: layers have %d parameters and %d FLOP, the table %d and %d, the network %d", a.Name, params, flop, s.Params, s.FLOP, want)
		}
		var b strings.Builder
		if err := s.Write(&b); err != nil || strings.Count(b.String(), "\n") != len(s.Layers)+2 {
			t.Errorf("%s: %v, %d lines", a.Name, err, strings.Count(b.String(), "\n"))
		}
	}
}
