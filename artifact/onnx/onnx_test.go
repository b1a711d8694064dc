package onnx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

func Example() {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	err = onnx.Write(&file, g, golden.ParamsOf(g), onnx.Options{Metadata: map[string]string{"arch": g.Arch}})
	fmt.Println(file.Len() > 4*270_000, err)
	// Output: true <nil>
}

// The reader checks that each value is made exactly once, and before its first use.
// Each parameter must have its shape and bytes.
func TestTheGraphIsClosed(t *testing.T) {
	for _, a := range arch.All() {
		switch {
		case strings.Contains(a.Name, "efficientnet") && a.Name != "tf_efficientnet_b0", a.Name == "convnext_small", a.Name == "regnety_032", a.Name == "resnet50d":
			continue // others have the same operations
		}
		g, err := a.Build(arch.Config{InputSize: 96, Classes: 3, Dropout: 0.3})
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := onnx.Write(&file, g, zeros{golden.ParamsOf(g)}, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
		m, err := onnx.Parse(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		shapes := map[string]string{}
		for _, x := range m.Graph.Initializers {
			shapes[x.Name] = fmt.Sprint(x.Shape)
			if _, err := x.Bytes(); err != nil {
				t.Errorf("%s: %v", a.Name, err)
			}
		}
		for _, p := range g.Params() {
			if shapes[p.Name] != fmt.Sprint(p.Shape) {
				t.Errorf("%s: %s has shape %s, want %v", a.Name, p.Name, shapes[p.Name], p.Shape)
			}
		}
		if in, out := m.Graph.Inputs, m.Graph.Outputs; len(in) != 1 || in[0].Name != "input" || out[0].Name != "logits" {
			t.Errorf("%s: inputs %v, outputs %v", a.Name, in, out)
		}
	}
}

// zeros are weights that cost no time.
type zeros struct{ shapes golden.Params }

func (z zeros) Float32(name string) ([]float32, []int, error) {
	n, err := weights.Elements(z.shapes[name])
	return make([]float32, n), z.shapes[name], err
}

func TestWeightsOfAnotherNetworkAreRefused(t *testing.T) {
	small, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	other, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 9})
	if err != nil {
		t.Fatal(err)
	}
	if err := onnx.Write(io.Discard, small, golden.ParamsOf(other), onnx.Options{}); err == nil || !strings.Contains(err.Error(), "linear.weight has shape [9 64]") {
		t.Errorf("got %v", err)
	}
}

// ortFolder returns a folder whose node_modules has onnxruntime-node. It installs
// that into the user's cache on first use.
func ortFolder(t *testing.T) string {
	t.Helper()
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("compares with ONNX Runtime, which make test-long installs: set DEPLOY_KERNEL_LONG=1")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("onnxruntime-node is installed to the user's cache: %v", err)
	}
	dir := filepath.Join(cache, "deploy-kernel", "onnxruntime")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "onnxruntime-node")); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("onnxruntime-node is installed to the user's cache: %v", err)
	}
	npm := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--prefix", dir, "onnxruntime-node")
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("onnxruntime-node can't be installed: %v\n%s", err, out)
	}
	return dir
}

// runORT returns the logits that ONNX Runtime computes for a batch.
func runORT(t *testing.T, g *nn.Graph, p onnx.Params, images []float32) []float32 {
	t.Helper()
	modules := filepath.Join(ortFolder(t), "node_modules")
	dir := t.TempDir()
	model, input, output := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "in"), filepath.Join(dir, "out")
	file, err := os.Create(model)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnx.Write(file, g, p, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	for _, v := range images {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if err := os.WriteFile(input, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s := g.Input.Shape
	n := len(images) / s.Len()
	node := exec.Command("node", "testdata/run.js", model, input, fmt.Sprint(n), fmt.Sprint(s.C), fmt.Sprint(s.H), fmt.Sprint(s.W), output)
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	if out, err := node.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err = os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var logits []float32
	for ; len(raw) > 0; raw = raw[4:] {
		logits = append(logits, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	return logits
}

// near fails if logits differ by more than 1e-4 of the largest.
func near(t *testing.T, name string, got, want []float32) {
	t.Helper()
	var worst, largest float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
	}
	t.Logf("%s: off by %.1e of the largest logit", name, worst/largest)
	if len(got) != len(want) || worst > 1e-4*largest {
		t.Errorf("%s: %d logits, off by %g of the largest", name, len(got), worst/largest)
	}
}

func TestONNXRuntimeAgreesWithPyTorch(t *testing.T) {
	for _, name := range []string{
		"seresnext50_32x4d", "senet_se_resnext50_32x4d", "seresnext101_32x4d", "seresnext101_64x4d",
		"cbam_resnet50", "pnasnet5large", "xception", "inceptionresnetv2",
	} {
		t.Run(name, func(t *testing.T) {
			ortFolder(t)
			r, err := golden.Arch(name)
			if err != nil {
				t.Fatal(err)
			}
			a, err := arch.Find(arch.All(), r.ConfigArch)
			if err != nil {
				t.Fatal(err)
			}
			g, err := a.Build(arch.Config{InputSize: r.Input[2], Classes: r.Classes, Keys: r.Has})
			if err != nil {
				t.Fatal(err)
			}
			near(t, name, runORT(t, g, golden.ParamsOf(g), golden.Images(r.Input[0], r.Input[2], r.Input[3], golden.Cell)), r.Logits)
		})
	}
}

func TestONNXRuntimeAgreesOnARealFile(t *testing.T) {
	ortFolder(t)
	f, err := weightfile.Open(golden.Shared(t, "golden/pth/resnet20-12fca82f.th"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	r, err := golden.Logits("cifar_resnet20")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "cifar_resnet20", runORT(t, g, f, golden.Images(2, 32, 32, golden.Cell)), r)
}
