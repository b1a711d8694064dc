package reference_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx/onnxtest"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

func Example() {
	m, err := onnx.Parse(onnxtest.Model(17, onnxtest.Input("x", 2), onnxtest.Output("y"),
		onnxtest.Node("Add", "x one", "y"), onnxtest.Floats("one", nil, 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	x := tensor.Floats(onnx.Float32, []int{2}, []float64{3, 4})
	out, err := reference.Run(context.Background(), m, reference.Values{"x": x})
	fmt.Println(out["y"], out["y"].Float32s(), err)
	// Output: float32 [2] [4 5] <nil>
}

func parse(t testing.TB, b []byte) *onnx.Model {
	t.Helper()
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// infer returns the values of a graph with the float32 input x of that shape.
func infer(t *testing.T, shape []int, parts ...[]byte) (reference.Values, error) {
	t.Helper()
	m := parse(t, onnxtest.Model(17, append(parts, onnxtest.Input("x"))...))
	return reference.Infer(t.Context(), m, reference.Values{"x": tensor.Unknown(onnx.Float32, shape)})
}

// The batch is fixed, so the sizes that exporters compute from shapes are constants.
func TestShapesAreFolded(t *testing.T) {
	values, err := infer(t, []int{2, 3, 4, 5},
		onnxtest.Node("Shape", "x", "s"),
		onnxtest.Node("Gather", "s zero", "n"),
		onnxtest.Node("Concat", "n rest", "to", onnxtest.Attribute("axis", 0)),
		onnxtest.Node("Reshape", "x to", "y"),
		onnxtest.Node("Add", "w w", "v"),
		onnxtest.Ints("zero", 0), onnxtest.Ints("rest", -1), onnxtest.Floats("w", []int{1}, 2))
	if err != nil {
		t.Fatal(err)
	}
	if y := values["y"]; y.Known() || !slices.Equal(y.Shape, []int{2, 60}) {
		t.Errorf("y is %v", y)
	}
	if v := values["v"]; !v.Known() || v.Float32s()[0] != 4 {
		t.Errorf("v is %v", v)
	}
}

func TestTheBranchOfAConstantIsTaken(t *testing.T) {
	branch := func(op string) []byte {
		return onnxtest.Graph(6, onnxtest.Node(op, "x", "b"), onnxtest.Output("b"))
	}
	m := parse(t, onnxtest.Model(17, onnxtest.Input("x", 1), onnxtest.Output("y"), onnxtest.Tensor(5, "c", 9, []int{1}, onnxtest.Int(5, 1)),
		onnxtest.Node("If", "c", "y", onnxtest.Attribute("then_branch", branch("Neg")), onnxtest.Attribute("else_branch", branch("Abs")))))
	out, err := reference.Run(t.Context(), m, reference.Values{"x": tensor.Floats(onnx.Float32, []int{1}, []float64{5})})
	if err != nil {
		t.Fatal(err)
	}
	if got := out["y"].Float32s()[0]; got != -5 {
		t.Errorf("got %v", got)
	}
}

func TestAllUnsupportedNodesAreNamed(t *testing.T) {
	_, err := infer(t, []int{1, 3, 8, 8},
		onnxtest.Node("LSTM", "x w", "a", onnxtest.Text(3, "rnn")),
		onnxtest.Node("Relu", "a", "b"),
		onnxtest.Node("Sigmiod", "b", "c"),
		onnxtest.Node("Conv", "x w", "d"),
		onnxtest.Node("FusedConv", "x", "e", onnxtest.Text(7, "com.microsoft")),
		onnxtest.Floats("w", []int{1}, 2))
	var unsupported *reference.UnsupportedError
	if !errors.As(err, &unsupported) || len(unsupported.Problems) != 4 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`4 of 5 nodes cannot be run:`,
		`LSTM "rnn" (opset 17) of float32 [1 3 8 8], float32 [1]: there is no such operator here`,
		`Sigmiod "c" (opset 17) of ?: there is no such operator here; the nearest is Sigmoid`,
		`Conv "d" (opset 17) of float32 [1 3 8 8], float32 [1]: the weights float32 [1] do not fit float32 [1 3 8 8]`,
		`com.microsoft.FusedConv "e" (opset 0) of float32 [1 3 8 8]: there is no such operator here`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

func TestValuesThatDependOnTheImageAreNoShapes(t *testing.T) {
	_, err := infer(t, []int{1, 4},
		onnxtest.Node("Cast", "x", "s", onnxtest.Attribute("to", 7)),
		onnxtest.Node("Reshape", "x s", "y"))
	if err == nil || !strings.Contains(err.Error(), "input 1 must be a constant: it depends on the image") {
		t.Errorf("got %v", err)
	}
}

func TestHugeValuesAreRefused(t *testing.T) {
	start := time.Now()
	for name, nodes := range map[string][][]byte{
		"constant": {onnxtest.Node("ConstantOfShape", "huge", "y")},
		"expand":   {onnxtest.Node("Expand", "one huge", "y")},
		"tile":     {onnxtest.Node("Tile", "pair huge", "y")},
		"pad":      {onnxtest.Node("Pad", "pair pads", "y")},
		"range":    {onnxtest.Node("Range", "one far one", "y")},
		"resize":   {onnxtest.Node("Resize", "pair - scales", "y")},
		"reshape":  {onnxtest.Node("Reshape", "pair huge", "y")},
		"product":  {onnxtest.Node("ConstantOfShape", "long", "a"), onnxtest.Node("Einsum", "a a a", "y", onnxtest.Attribute("equation", "i,j,k->"))},
	} {
		parts := append(nodes, onnxtest.Ints("huge", 1<<40, 1<<40), onnxtest.Floats("one", nil, 1), onnxtest.Floats("far", nil, 1e30),
			onnxtest.Floats("pair", []int{1, 2}, 1, 2), onnxtest.Ints("pads", 0, 0, 0, 1<<40), onnxtest.Floats("scales", []int{2}, 1, 1e20),
			onnxtest.Ints("long", 1<<17))
		if _, err := infer(t, []int{1}, parts...); err == nil || strings.Contains(err.Error(), "internal error") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}

// A batch norm in training mode standardizes constant weights, as NFNets export them.
func TestBatchNormInTrainingModeUsesTheBatch(t *testing.T) {
	values, err := infer(t, []int{1},
		onnxtest.Node("BatchNormalization", "w one zero zero one", "y m v", onnxtest.Attribute("training_mode", 1), onnxtest.Attribute("epsilon", 0.0)),
		onnxtest.Floats("w", []int{1, 1, 4}, 1, 2, 3, 4), onnxtest.Floats("one", []int{1}, 1), onnxtest.Floats("zero", []int{1}, 0))
	if err != nil {
		t.Fatal(err)
	}
	// Mean 2.5, variance 1.25, momentum 0.9.
	want := []float64{-1.5, -0.5, 0.5, 1.5}
	for i, v := range values["y"].Float64s() {
		if math.Abs(v-want[i]/math.Sqrt(1.25)) > 1e-6 {
			t.Errorf("element %d is %v", i, v)
		}
	}
	if m, v := values["m"].Float64s()[0], values["v"].Float64s()[0]; math.Abs(m-0.25) > 1e-6 || math.Abs(v-1.025) > 1e-6 {
		t.Errorf("mean %v, variance %v", m, v)
	}
}

func FuzzInfer(f *testing.F) {
	for _, c := range vendored(f) {
		if b := c["model.onnx"]; len(b) < 1000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Parse(b)
		if err != nil {
			return
		}
		known, unknown := reference.Values{}, reference.Values{}
		n := 1
		for _, v := range m.Graph.Inputs {
			var shape []int
			for _, d := range v.Shape {
				shape = append(shape, max(1, d.Size))
				if n *= min(max(1, d.Size), 1<<20); n > 1<<20 {
					return
				}
			}
			known[v.Name] = tensor.Ints(v.Type, nil, []int64{1}).Broadcast(shape)
			unknown[v.Name] = tensor.Unknown(v.Type, shape)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		inferred, err := reference.Infer(ctx, m, unknown)
		if err != nil {
			return
		}
		out, err := reference.Run(ctx, m, known)
		if err != nil {
			return
		}
		for name, x := range out {
			if y := inferred[name]; x.Type != y.Type || !slices.Equal(x.Shape, y.Shape) {
				t.Errorf("%s is inferred as %v, and is %v", name, y, x)
			}
		}
	})
}
