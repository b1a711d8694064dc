package reference_test

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// wheelVariable names the file of the Python package onnx 1.22.0, a zip archive that
// holds the official suite: pip download --no-deps onnx==1.22.0
const wheelVariable = "DEPLOY_KERNEL_ONNX_WHEEL"

// files holds the files of one case by their names: model.onnx, and inputs and outputs
// in folders.
type files map[string][]byte

// vendored returns the cases that the repository holds, by name.
func vendored(t testing.TB) map[string]files {
	t.Helper()
	f, err := os.Open("testdata/backend.tgz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]files{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if err == io.EOF {
			return cases
		}
		if err != nil {
			t.Fatal(err)
		}
		name, file, ok := caseOf(h.Name)
		if !ok {
			continue
		}
		if cases[name] == nil {
			cases[name] = files{}
		}
		if cases[name][file], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackendSuite(t *testing.T) {
	cases := vendored(t)
	if len(cases) != 240 {
		t.Errorf("%d cases, want 240", len(cases))
	}
	for name, c := range cases {
		if err := runCase(t, c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// caseOf splits the path of a file of the suite into its case, such as node/test_abs,
// and the path below it.
func caseOf(name string) (of, file string, ok bool) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 || parts[2] == "" {
		return "", "", false
	}
	return parts[0] + "/" + parts[1], parts[2], true
}

// The list holds the cases of single operators, and of small networks of PyTorch, whose
// types and operators a network for prediction may have.
func TestWholeBackendSuite(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("runs the 932 cases of the official suite: set DEPLOY_KERNEL_LONG=1")
	}
	wheel := os.Getenv(wheelVariable)
	if wheel == "" {
		t.Skipf("the official suite is missing: set %s to the file that pip download --no-deps onnx==1.22.0 leaves", wheelVariable)
	}
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	list, err := os.ReadFile("testdata/backend.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]files{}
	for name := range strings.FieldsSeq(string(list)) {
		cases[name] = files{}
	}
	for _, f := range archive.File {
		name, file, ok := caseOf(strings.TrimPrefix(f.Name, "onnx/backend/test/data/"))
		if !ok || cases[name] == nil {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		cases[name][file] = b
	}
	passed := 0
	for name, c := range cases {
		if err := runCase(t, c); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		passed++
	}
	t.Logf("%d of %d cases pass", passed, len(cases))
}

// runCase runs a model on every set of inputs, and compares its outputs.
func runCase(t *testing.T, c files) error {
	m, err := onnx.Parse(c["model.onnx"])
	if err != nil {
		return err
	}
	sets := 0
	for ; c[fmt.Sprintf("test_data_set_%d/output_0.pb", sets)] != nil; sets++ {
		folder := fmt.Sprintf("test_data_set_%d", sets)
		inputs := reference.Values{}
		for i, v := range m.Graph.Inputs {
			if inputs[v.Name], err = readTensor(c[path.Join(folder, fmt.Sprintf("input_%d.pb", i))]); err != nil {
				return err
			}
		}
		outputs, err := reference.Run(t.Context(), m, inputs)
		if err != nil {
			return err
		}
		for i, v := range m.Graph.Outputs {
			want, err := readTensor(c[path.Join(folder, fmt.Sprintf("output_%d.pb", i))])
			if err != nil {
				return err
			}
			if err := near(outputs[v.Name], want); err != nil {
				return fmt.Errorf("output %d: %w", i, err)
			}
		}
		if err := inferred(t, m, inputs, outputs); err != nil {
			return err
		}
	}
	if sets == 0 {
		return errors.New("there are no inputs and outputs")
	}
	return nil
}

// inferred checks that shapes can be inferred if the floating-point inputs are unknown.
func inferred(t *testing.T, m *onnx.Model, inputs, outputs reference.Values) error {
	unknown := reference.Values{}
	for name, x := range inputs {
		if unknown[name] = x; tensor.IsFloat(x.Type) && x.Len() > 1 {
			unknown[name] = tensor.Unknown(x.Type, x.Shape)
		}
	}
	values, err := reference.Infer(t.Context(), m, unknown)
	if err != nil {
		if strings.Contains(err.Error(), "depends on the image") {
			return nil // the case computes a shape from its input
		}
		return fmt.Errorf("inferring shapes: %w", err)
	}
	for _, v := range m.Graph.Outputs {
		if got, want := values[v.Name], outputs[v.Name]; got.Type != want.Type || !slices.Equal(got.Shape, want.Shape) {
			return fmt.Errorf("%s is inferred as %v, and is %v", v.Name, got, want)
		}
	}
	return nil
}

func readTensor(b []byte) (*tensor.Tensor, error) {
	x, err := onnx.ParseTensor(b)
	if err != nil {
		return nil, err
	}
	return tensor.FromFile(x)
}

// near compares with the tolerances of the suite's own runner: 1e-3 relative and 1e-7
// absolute.
func near(got, want *tensor.Tensor) error {
	if got.Type != want.Type || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	g, w := got.Float64s(), want.Float64s()
	for i := range w {
		if g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i]) {
			continue
		}
		if d := math.Abs(g[i] - w[i]); !(d <= 1e-7+1e-3*math.Abs(w[i])) {
			return fmt.Errorf("element %d of %v is %v, want %v", i, want, g[i], w[i])
		}
	}
	return nil
}
