package shrink_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

func Example() {
	c := shrink.Change{Images: 4, Max: 0.00123, Mean: 0.0001}
	fmt.Println(c)
	fmt.Println(c.Check(shrink.DefaultLimit), c.Check(1e-3))
	// Output:
	// probabilities change by 0.0012 at most, 0.0001 on average (4 images)
	// <nil> probabilities change by 0.0012 at most, 0.0001 on average (4 images), above the limit of 0.001
}

func cifar(t *testing.T) *nn.Graph {
	t.Helper()
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRealWeightsPassInHalf(t *testing.T) {
	f, err := weightfile.Open(golden.Shared(t, "golden/pth/resnet20-12fca82f.th"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dict, err := f.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	changes := map[weights.DType]shrink.Change{}
	for _, d := range []weights.DType{weights.F16, weights.BF16} {
		small, err := dict.Half(d)
		if err != nil {
			t.Fatal(err)
		}
		c, err := shrink.Measure(context.Background(), cifar(t), dict, small, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %v", d, c)
		if err := c.Check(shrink.DefaultLimit); err != nil {
			t.Errorf("%v: %v", d, err)
		}
		changes[d] = c
	}
	if f16 := changes[weights.F16]; f16.Max == 0 || f16.Max >= changes[weights.BF16].Max {
		t.Errorf("F16: %v; BF16: %v", f16, changes[weights.BF16])
	}
}

func TestTheSameWeightsChangeNothing(t *testing.T) {
	g := cifar(t)
	c, err := shrink.Measure(context.Background(), g, golden.ParamsOf(g), golden.StateDict(g), golden.NHWC(golden.Images(2, 32, 32, 8), 2, 3, 32, 32))
	if err != nil || c != (shrink.Change{Images: 2}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestBrokenPredictionsAreRefused(t *testing.T) {
	g := cifar(t)
	dict := golden.StateDict(g)
	i := slices.IndexFunc(dict.Tensors, func(t weights.Tensor) bool { return t.Name == "linear.bias" })
	broken := &weights.StateDict{Tensors: slices.Clone(dict.Tensors)}
	broken.Tensors[i] = weights.NewFloat32("linear.bias", []int{10}, slices.Repeat([]float32{float32(math.NaN())}, 10))
	c, err := shrink.Measure(context.Background(), g, dict, broken, nil)
	if err != nil || c.Check(1) == nil {
		t.Errorf("%v, %v", c, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := shrink.Measure(ctx, g, dict, dict, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
}
