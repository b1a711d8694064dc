package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// tolerance is the accepted difference from PyTorch, relative to the largest logit.
const tolerance = 1e-4

func draw(t *testing.T, name string, c arch.Config) *nn.Graph {
	t.Helper()
	a, err := arch.Find(arch.All(), name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func predict(t *testing.T, g *nn.Graph, p engine.Params, images []float32, o engine.Options) []float32 {
	t.Helper()
	e, err := engine.Compile(g, p, o)
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]float32, len(images)/g.Input.Shape.Len()*g.Classes())
	if err := e.Predict(context.Background(), images, logits); err != nil {
		t.Fatal(err)
	}
	return logits
}

// compare fails if the logits differ by more than the tolerance.
func compare(t *testing.T, name string, got, want []float32) {
	t.Helper()
	largest, worst := 0.0, 0.0
	for i, w := range want {
		largest = max(largest, math.Abs(float64(w)))
		worst = max(worst, math.Abs(float64(got[i]-w)))
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s: the logits differ by %.3g, the largest is %.3g", name, worst, largest)
	}
	t.Logf("%s: largest difference %.2g of the largest logit", name, worst/largest)
}

func TestRealCIFARWeightsGiveTheLogitsOfPyTorch(t *testing.T) {
	f, err := weightfile.Open(golden.Shared(t, "golden/pth/resnet20-12fca82f.th"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := fs.ReadFile(golden.FS, "testdata/arch/cifar_resnet20.logits.npy")
	if err != nil {
		t.Fatal(err)
	}
	want, shape, err := npy.ReadFloat32(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	g := draw(t, "cifar_resnet20", arch.Config{InputSize: 32, Classes: 10})
	images := golden.NHWC(golden.Images(shape[0], 32, 32, golden.Cell), shape[0], 3, 32, 32)
	compare(t, "cifar_resnet20", predict(t, g, f, images, engine.Options{}), want)
}

// references lists the networks for which PyTorch's outputs are recorded.
var references = []string{
	"seresnext50_32x4d", "seresnext101_32x4d", "seresnext101_64x4d", "senet_se_resnext50_32x4d",
	"cbam_resnet50", "pnasnet5large", "xception", "inceptionresnetv2",
}

func reference(t *testing.T, name string) (*golden.Reference, *nn.Graph) {
	t.Helper()
	r, err := golden.Arch(name)
	if err != nil {
		t.Fatal(err)
	}
	return r, draw(t, r.ConfigArch, arch.Config{InputSize: r.Input[2], Classes: r.Classes, Keys: r.Has})
}

func TestRecipeNetworksGiveTheLogitsOfPyTorch(t *testing.T) {
	for _, set := range simd.Sets() {
		t.Run(set.Name, func(t *testing.T) {
			if set == simd.Scalar && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
				t.Skip("the scalar routines predict full-size networks in make test-long only")
			}
			for _, name := range references {
				r, g := reference(t, name)
				n, s := r.Input[0], r.Input[2]
				images := golden.NHWC(golden.Images(n, s, s, golden.Cell), n, 3, s, s)
				compare(t, name, predict(t, g, golden.ParamsOf(g), images, engine.Options{SIMD: set}), r.Logits)
			}
		})
	}
}

// timms lists the networks of timm whose logits are recorded. The first few have every
// operation of the others.
var timms = []string{
	"efficientnet_b0", "tf_efficientnet_b0", "convnext_tiny",
	"efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5",
	"tf_efficientnet_b1", "tf_efficientnet_b2", "tf_efficientnet_b3", "tf_efficientnet_b4", "tf_efficientnet_b5",
	"tf_efficientnetv2_s", "efficientnetv2_rw_s", "convnext_small", "regnety_032", "resnet50d",
}

const firstTimms = 3

func TestNetworksOfTimmGiveItsLogits(t *testing.T) {
	for i, name := range timms {
		if i >= firstTimms && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
			break
		}
		r, err := golden.Timm(name)
		if err != nil {
			t.Fatal(err)
		}
		size := r.Input[2]
		g := draw(t, name, arch.Config{InputSize: size, Classes: r.Classes})
		p, image := golden.ParamsOf(g), golden.NHWC(golden.Images(1, size, size, golden.Cell), 1, 3, size, size)
		for _, set := range simd.Sets() {
			if set == simd.Scalar && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
				continue // slow
			}
			compare(t, name+" on "+set.Name, predict(t, g, p, image, engine.Options{SIMD: set}), r.Logits)
		}
	}
}

// Small and odd inputs leave maps of one pixel, and borders larger than the map.
func TestNetworksOfOddSizesComputeTheSameAsModules(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("all networks at odd sizes are computed in make test-long only")
	}
	for _, a := range arch.All() {
		for _, size := range []int{33, 97} {
			if a.Name == "inceptionresnetv2" {
				size = max(size, 75) // its minimum
			}
			g := draw(t, a.Name, arch.Config{InputSize: size, Classes: 3, Dropout: 0.5})
			p := golden.ParamsOf(g)
			image := pictures(1, g.Input.Shape)
			var want []float32
			err := engine.Modules(g, p, image, func(_ string, _ nn.Shape, out []float32) { want = append(want[:0], out...) })
			if err != nil {
				t.Fatal(err)
			}
			for _, set := range simd.Sets() {
				compare(t, fmt.Sprintf("%s at %d on %s", a.Name, size, set.Name), predict(t, g, p, image, engine.Options{SIMD: set}), want)
			}
		}
	}
}

// The test predicts seven images at the networks' own sizes, together and singly.
func TestWholeNetworksDependNeitherOnThreadsNorOnOtherImages(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("full-size networks take seven images each in make test-long only")
	}
	for _, set := range simd.Sets() {
		if set == simd.Scalar && len(simd.Sets()) > 1 {
			continue // it takes an hour
		}
		for _, name := range references {
			t.Run(set.Name+"/"+name, func(t *testing.T) {
				r, g := reference(t, name)
				const n = 7
				size, classes := g.Input.Shape.Len(), r.Classes
				images := golden.NHWC(golden.Images(n, r.Input[2], r.Input[3], golden.Cell), n, 3, r.Input[2], r.Input[3])
				want := make([]float32, n*classes)
				for _, threads := range []int{1, 2, 5} {
					e, err := engine.Compile(g, golden.ParamsOf(g), engine.Options{SIMD: set, Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					together, single := make([]float32, n*classes), make([]float32, n*classes)
					predict := func(first, count int, logits []float32) {
						if err := e.Predict(t.Context(), images[first*size:][:count*size], logits[first*classes:][:count*classes]); err != nil {
							t.Fatal(err)
						}
					}
					predict(0, n, together)
					if threads == 1 {
						copy(want, together)
					}
					if !slices.Equal(together, want) {
						t.Errorf("%d threads give other logits than one", threads)
					}
					for i := range n {
						predict(i, 1, single)
					}
					if !slices.Equal(single, want) {
						t.Errorf("%d images one by one with %d threads give other logits than together", n, threads)
					}
					if allocs := testing.AllocsPerRun(1, func() { predict(0, threads, together) }); allocs > 0 {
						t.Errorf("%d images with %d threads: %v allocations", threads, threads, allocs)
					}
				}
			})
		}
	}
}
