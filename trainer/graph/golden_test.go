package graph_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/graph"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
)

// figures are what the reference tells of a tensor.
type figures struct {
	L2, Sum float64
	Head    []float64
}

// differs returns by how much v's norm differs from the reference's, relative
// to it, and by how much its first values do, relative to the larger of the
// value and the root mean square.
func (f figures) differs(v []float32) (norm, head float64) {
	var squares float64
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	rms := f.L2 / math.Sqrt(float64(len(v)))
	for i, want := range f.Head {
		head = max(head, math.Abs(float64(v[i])-want)/max(rms, math.Abs(want)))
	}
	return math.Abs(math.Sqrt(squares)-f.L2) / f.L2, head
}

// recipe returns the reference's weights of a network.
func recipe(g *nn.Graph) *weights.StateDict {
	d := &weights.StateDict{}
	for _, p := range g.Params() {
		d.Tensors = append(d.Tensors, weights.NewFloat32(p.Name, p.Shape, golden.Tensor(p.Name, p.Shape...)))
	}
	return d
}

// labels returns the reference's labels.
func labels(n, classes int) []float32 {
	limit := 0.4
	if classes > 100 {
		limit = 0.98
	}
	out := make([]float32, n*classes)
	for i := range out {
		if golden.Uniform("labels", i) > limit {
			out[i] = 1
		}
	}
	return out
}

// crossEntropy is the mean binary cross-entropy with logits.
func crossEntropy(grad, logits, labels []float32, n, classes int) float64 {
	var sum float64
	for i, v := range logits {
		z, y := float64(v), float64(labels[i])
		sum += max(z, 0) - z*y + math.Log1p(math.Exp(-math.Abs(z)))
		grad[i] = float32((1/(1+math.Exp(-z)) - y) / float64(n*classes))
	}
	return sum / float64(n*classes)
}

func readTrain(t *testing.T, name string, to any) {
	t.Helper()
	text, err := golden.FS.ReadFile("testdata/train/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, name string, size, classes int) *nn.Graph {
	t.Helper()
	a, err := arch.Find(arch.All(), name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Build(arch.Config{InputSize: size, Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The whole network, its loss, the gradients of all its parameters and what its
// batch norms remember are PyTorch's. The gradients of deep networks at these
// small inputs are not determined better by float32: a sum in another order
// flips ReLUs. PyTorch's own, in float32, differ from its own in float64 by more
// than 1e-3 in the norm for 28 of the 225 parameters of seresnext50_32x4d, and
// by up to 2e-2 as vectors. So six in ten must be within 1e-3, and all near;
// the operations one by one are held to their differences (see
// TestGradientsAreDifferences).
func TestGradientsArePyTorchs(t *testing.T) {
	for _, name := range []string{
		"seresnext50_32x4d", "xception", "cbam_resnet50", "senet_se_resnext50_32x4d", "seresnext101_32x4d", "inceptionresnetv2", "pnasnet5large",
	} {
		t.Run(name, func(t *testing.T) {
			if large := name == "inceptionresnetv2" || name == "pnasnet5large"; large && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
				t.Skip("a large network: set DEPLOY_KERNEL_LONG=1")
			}
			var want struct {
				Input          [4]int
				Loss           float64
				Logits         figures
				Grads, Buffers map[string]figures
			}
			readTrain(t, name+".grad.json", &want)
			n, size := want.Input[0], want.Input[2]
			g := build(t, name, size, 1103)
			m, err := graph.New(g, recipe(g), graph.Options{Batch: n, Loss: crossEntropy})
			if err != nil {
				t.Fatal(err)
			}
			images := golden.NHWC(golden.Images(n, size, size, golden.Cell), n, 3, size, size)
			loss, logits, err := m.Step(context.Background(), images, labels(n, 1103))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(loss-want.Loss) > 1e-5*want.Loss {
				t.Errorf("loss %.9g, PyTorch's is %.9g", loss, want.Loss)
			}
			if norm, head := want.Logits.differs(logits); norm > 1e-4 || head > 1e-3 {
				t.Errorf("the logits' norm differs by %.2g, their first values by %.2g", norm, head)
			}
			var count, close int
			for p := range m.Gradients() {
				count++
				norm, head := want.Grads[p.Name].differs(p.Grad)
				if norm < 1e-3 {
					close++
				}
				tolerance := 3e-2
				if len(p.Grad) == 1 {
					tolerance = 0.3
				}
				// The bias before a batch norm has no gradient but rounding.
				if !(norm < tolerance && head < 0.6) && want.Grads[p.Name].L2 > 1e-8 {
					t.Errorf("gradient of %s: the norm differs by %.2g, the first values by %.2g", p.Name, norm, head)
				}
			}
			if count != len(want.Grads) {
				t.Errorf("%d parameters, PyTorch has %d", count, len(want.Grads))
			}
			t.Logf("loss %.9g (PyTorch's is %.9g), %d of %d gradients' norms differ by less than 1e-3", loss, want.Loss, close, count)
			if close < count*6/10 {
				t.Errorf("%d of %d gradients' norms differ by less than 1e-3, want six in ten", close, count)
			}
			state := m.StateDict()
			for name, f := range want.Buffers {
				v, _, err := state.Float32(name)
				if err != nil {
					continue // num_batches_tracked
				}
				if norm, head := f.differs(v); norm > 1e-4 || head > 1e-3 {
					t.Errorf("%s: the norm differs by %.2g, the first values by %.2g", name, norm, head)
				}
			}
		})
	}
}

// Five steps of every optimiser leave PyTorch's weights and statistics.
func TestOptimizersStepAsPyTorchs(t *testing.T) {
	var want map[string]struct {
		Losses []float64
		Params map[string]figures
	}
	readTrain(t, "optimizers_cifar_resnet20.json", &want)
	for name, c := range map[string]struct {
		optim.Config
		lr float64
	}{
		"adam":            {optim.Config{Name: "adam"}, 1e-3},
		"adam_wd":         {optim.Config{Name: "adam", WeightDecay: 1e-2}, 1e-3},
		"adam_amsgrad":    {optim.Config{Name: "adam", AMSGrad: true}, 1e-3},
		"sgd":             {optim.Config{Name: "sgd"}, 1e-2},
		"sgd_nesterov_wd": {optim.Config{Name: "sgd", Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3}, 1e-2},
		"adamw":           {optim.Config{Name: "adamw", WeightDecay: 1e-2}, 1e-3},
	} {
		t.Run(name, func(t *testing.T) {
			g := build(t, "cifar_resnet20", 32, 10)
			m, err := graph.New(g, recipe(g), graph.Options{Batch: 8, Loss: crossEntropy})
			if err != nil {
				t.Fatal(err)
			}
			opt, err := optim.New(c.Config)
			if err != nil {
				t.Fatal(err)
			}
			images := golden.NHWC(golden.Images(8, 32, 32, 8), 8, 3, 32, 32)
			for i, loss := range want[name].Losses {
				got, _, err := m.Step(context.Background(), images, labels(8, 10))
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(got-loss) > 1e-5*loss+float64(i)*1e-5 {
					t.Errorf("step %d: loss %.9g, PyTorch's is %.9g", i, got, loss)
				}
				if err := m.Update(opt, c.lr, 1); err != nil {
					t.Fatal(err)
				}
			}
			state := m.StateDict()
			for name, f := range want[name].Params {
				if v, _, err := state.Float32(name); err == nil {
					if norm, head := f.differs(v); norm > 1e-3 || head > 6e-3 {
						t.Errorf("%s: the norm differs by %.2g, the first values by %.2g", name, norm, head)
					}
				}
			}
		})
	}
}
