package arch_test

import (
	"os"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// A failure names the first module whose output differs from PyTorch.
// The logits are compared in runtime/engine, on every SIMD path.
func TestEveryModuleComputesWhatPyTorchComputes(t *testing.T) {
	for _, name := range references {
		t.Run(name, func(t *testing.T) {
			if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
				t.Skip("full-size networks are run by make test-long only")
			}
			t.Parallel() // the loops that define the nodes have one thread each
			r, err := golden.Arch(name)
			if err != nil {
				t.Fatal(err)
			}
			compareModules(t, r, draw(t, r), 1e-4)
		})
	}
}

// timms lists the networks that timm's references describe.
var timms = []string{
	"efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5",
	"tf_efficientnet_b0", "tf_efficientnet_b1", "tf_efficientnet_b2", "tf_efficientnet_b3", "tf_efficientnet_b4", "tf_efficientnet_b5",
	"tf_efficientnetv2_s", "efficientnetv2_rw_s", "convnext_tiny", "convnext_small", "regnety_032", "resnet50d",
}

func TestNetworksOfTimmHaveItsKeysAndComputeWhatItComputes(t *testing.T) {
	for _, name := range timms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := golden.Timm(name)
			if err != nil {
				t.Fatal(err)
			}
			g := draw(t, r)
			if golden.Keys(g) != r.Keys {
				t.Error("the names or shapes of the parameters differ")
			}
			if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
				return // runtime/engine compares the logits
			}
			compareModules(t, r, g, 1e-5)
		})
	}
}

// compareModules names the first module whose output differs from PyTorch's.
func compareModules(t *testing.T, r *golden.Reference, g *nn.Graph, tolerance float64) {
	t.Helper()
	p := golden.ParamsOf(g)
	first, err := r.FirstDifference(func(image []float32, visit func(string, nn.Shape, []float32)) error {
		return engine.Modules(g, p, image, visit)
	}, tolerance)
	if err != nil {
		t.Fatal(err)
	}
	if first != "" {
		t.Error(first)
	}
}
