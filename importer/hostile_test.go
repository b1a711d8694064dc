package importer_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx/onnxtest"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// small is a model of a few hundred bytes with most forms of data.
func small() []byte {
	return onnxtest.Model(17, onnxtest.Input("x", -1, 3, 8, 8), onnxtest.Output("y"),
		onnxtest.Node("Conv", "x c.weight", "a", onnxtest.Attribute("pads", []int{0, 0, 1, 1})), constant("c.weight", 4, 3, 2, 2),
		onnxtest.Node("Sigmoid", "a", "s"), onnxtest.Node("Mul", "a s", "b"),
		onnxtest.Node("Constant", "", "axes", onnxtest.Attribute("value", onnxtest.Tensor(5, "t", 7, []int{2}, onnxtest.Int(7, 2), onnxtest.Int(7, 3)))),
		onnxtest.Node("ReduceMean", "b", "m", onnxtest.Attribute("axes", []int{2, 3}), onnxtest.Attribute("keepdims", 0)),
		onnxtest.Node("Gemm", "m fc.weight fc.bias", "y", onnxtest.Attribute("transB", 1)), constant("fc.weight", 3, 4), constant("fc.bias", 3))
}

// attempt imports a file as the commands do. It fails if that takes long or allocates
// much: a second and 200 MB, with some reserve for slow machines.
func attempt(t *testing.T, path string) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	n, _, err := importer.ImportFile(t.Context(), path, importer.Options{})
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 200<<20 {
		t.Errorf("importing allocates %d MB", allocated>>20)
	}
	if took > 10*time.Second {
		t.Errorf("importing takes %v", took)
	}
	if err == nil {
		if _, err := nn.ParseText(n.Graph.Arch, n.Graph.Text()); err != nil {
			t.Errorf("the text of the network: %v", err)
		}
	}
	return err
}

func file(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesThatAreCutAreRefused(t *testing.T) {
	b := small()
	if err := attempt(t, file(t, b)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.onnx")
	for n := range b {
		if err := os.WriteFile(path, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := attempt(t, path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// hostile lists files that ask for time or memory, or lead out of their folder, and what
// their errors say.
func hostile() map[string][]byte {
	image, y := onnxtest.Input("x", -1, 3, 8, 8), onnxtest.Output("y")
	model := func(parts ...[]byte) []byte {
		return onnxtest.Model(17, append([][]byte{image, y}, parts...)...)
	}
	add := onnxtest.Node("Add", "x c", "y") // uses a folded value c
	doubled := [][]byte{onnxtest.Floats("v0", []int{1024}, make([]float32, 1024)...)}
	for i := range 40 {
		v := fmt.Sprintf("v%d", i)
		doubled = append(doubled, onnxtest.Node("Concat", v+" "+v, fmt.Sprintf("v%d", i+1), onnxtest.Attribute("axis", 0)))
	}
	var products [][]byte
	for i := range 1000 {
		products = append(products, onnxtest.Node("MatMul", fmt.Sprintf("m%d m0", i), fmt.Sprintf("m%d", i+1)))
	}
	products = append(products, onnxtest.Ints("side", 1000, 1000), onnxtest.Node("ConstantOfShape", "side", "m0"), onnxtest.Node("Add", "x m1000", "y"))
	outside := func(location string) []byte {
		return model(onnxtest.Node("Conv", "x w", "y"), onnxtest.Tensor(5, "w", 1, []int{4, 3, 1, 1},
			onnxtest.Message(13, onnxtest.Text(1, "location"), onnxtest.Text(2, location)), onnxtest.Int(14, 1)))
	}
	huge := int(1) << 40
	return map[string][]byte{
		"the nodes form a cycle":              model(onnxtest.Node("Add", "x b", "a"), onnxtest.Node("Relu", "a", "b"), onnxtest.Node("Relu", "b", "y")),
		"more than 65536 nodes":               model(bytes.Repeat(onnxtest.Node("Relu", "x", "y"), 1_000_000)),
		"the path leaves the model's folder":  outside("../../../etc/passwd"),
		"the path leaves the model's folder ": outside("/etc/passwd"),
		"no such file":                        outside("beside.data"),
		"holds 0 bytes of data":               model(onnxtest.Node("Conv", "x w", "y"), onnxtest.Tensor(5, "w", 1, []int{1 << 16, 3, 16, 16})),
		"tensor \"w\"":                        model(onnxtest.Node("Conv", "x w", "y"), onnxtest.Tensor(5, "w", 1, []int{huge, huge, huge})),
		"is too large":                        model(onnxtest.Ints("n", 1<<40), onnxtest.Node("ConstantOfShape", "n", "c"), add),
		"have more than":                      model(onnxtest.Ints("n", 1<<26), onnxtest.Node("ConstantOfShape", "n", "c"), add),
		"have more than ":                     model(append(doubled, onnxtest.Node("Add", "x v40", "y"))...),
		"multiplications":                     model(products...),
		"its output of shape":                 model(onnxtest.Ints("p", 0, 0, 0, 0, 0, 0, 0, 1<<30), onnxtest.Node("Pad", "x p", "y")),
		"leaves its size open":                onnxtest.Model(17, onnxtest.Input("x", -1, 3, huge, huge), y, onnxtest.Node("Relu", "x", "y")),
		"is too large ":                       onnxtest.Model(17, onnxtest.Input("x", -1, 3, 60000, 60000), y, onnxtest.Node("Relu", "x", "y")),
	}
}

func TestHostileFilesAreRefusedAtOnce(t *testing.T) {
	for want, b := range hostile() {
		t.Run(strings.TrimSpace(want), func(t *testing.T) {
			if err := attempt(t, file(t, b)); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
				t.Errorf("got %.300v, want %q", err, want)
			}
		})
	}
}
