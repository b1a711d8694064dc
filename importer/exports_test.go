package importer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// exportsVariable names a folder that testdata/export.py has filled: networks as
// PyTorch exports them, with inputs and with the outputs of ONNX Runtime.
const exportsVariable = "DEPLOY_KERNEL_ONNX_EXPORTS"

func TestExportsGiveTheLogitsOfONNXRuntime(t *testing.T) {
	folder := os.Getenv(exportsVariable)
	if folder == "" {
		t.Skipf("compares exported networks with ONNX Runtime: set %s to a folder that testdata/export.py has filled", exportsVariable)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.out.npy"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no exports in %s (%v)", folder, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".out.npy")
		t.Run(filepath.Base(name), func(t *testing.T) {
			images, shape := array(t, name+".in.npy")
			want, _ := array(t, file)
			m, err := onnx.Open(name + ".onnx")
			if err != nil {
				t.Fatal(err)
			}
			n, err := importer.Import(t.Context(), m, importer.Options{InputSize: shape[2]})
			if err != nil {
				t.Fatal(err)
			}
			got := predict(t, n.Graph, n.Weights, golden.NHWC(images, shape[0], 3, shape[2], shape[3]))
			d := difference(t, got, want)
			t.Logf("%d nodes become %d; the logits differ by %.2g of the largest", len(m.Graph.Nodes), len(n.Graph.Nodes), d)
			// Random networks amplify rounding. ONNX Runtime itself is up to 1.4e-5
			// from the interpreter, and the engine 1.2e-4, by its Winograd transforms.
			if !(d <= 2e-4) {
				t.Errorf("the logits differ by %.3g of the largest", d)
			}
		})
	}
}

func array(t *testing.T, file string) ([]float32, []int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, shape, err := npy.ReadFloat32(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return data, shape
}
