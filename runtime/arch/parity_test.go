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
			g := draw(t, r)
			p := golden.ParamsOf(g)
			first, err := r.FirstDifference(func(image []float32, visit func(string, nn.Shape, []float32)) error {
				return engine.Modules(g, p, image, visit)
			}, 1e-4)
			if err != nil {
				t.Fatal(err)
			}
			if first != "" {
				t.Error(first)
			}
		})
	}
}
