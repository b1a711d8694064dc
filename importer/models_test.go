package importer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// modelsVariable names a folder of trained models, which onnx/models.py of the large
// reference data fetches.
const modelsVariable = "DEPLOY_KERNEL_ONNX_MODELS"

// trained describes the input of a trained model, and what ONNX Runtime computes.
type trained struct {
	Input   string
	Shape   []int
	Outputs []struct {
		Name, Stored string
	}
}

// image returns the input that models.py makes: strokes for text detectors, and else
// numbers in [-2, 2) or bytes.
func (m trained) image(name string) *tensor.Tensor {
	v := make([]float64, tensor.Len(m.Shape))
	elem := onnx.Float32
	for i := range v {
		u := uint32(i)*2654435761 + 12345
		switch {
		case strings.Contains(name, "_det_"):
			y, x := i/m.Shape[3]%m.Shape[2], i%m.Shape[3]
			if v[i] = 1.5; y/10%4 == 1 && x/3%3 != 0 && x/60%3 != 2 {
				v[i] = -1.5
			}
		case strings.HasPrefix(name, "magika"):
			elem, v[i] = onnx.Int32, float64(u%257)
		default:
			v[i] = (float64(u)/(1<<32) - 0.5) * 4
		}
	}
	return tensor.Floats(elem, m.Shape, v)
}

// every returns every k-th element, as the reference stores long outputs.
func every(v []float32, stored string) []float32 {
	k := 1
	if _, err := fmt.Sscanf(stored, "every %dth", &k); err != nil || k < 2 {
		return v
	}
	var out []float32
	for i := 0; i < len(v); i += k {
		out = append(out, v[i])
	}
	return out
}

// The interpreter runs every trained model. Those that can be imported give the same.
func TestTrainedModelsGiveTheOutputsOfONNXRuntime(t *testing.T) {
	folder := os.Getenv(modelsVariable)
	if folder == "" {
		t.Skipf("runs trained models: set %s to the folder that onnx/models.py of the large reference data has filled", modelsVariable)
	}
	b, err := os.ReadFile(golden.Shared(t, "onnx/golden/golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var models map[string]trained
	if err := json.Unmarshal(b, &models); err != nil {
		t.Fatal(err)
	}
	for name, r := range models {
		t.Run(name, func(t *testing.T) {
			m, err := onnx.Open(filepath.Join(folder, name+".onnx"))
			if err != nil {
				t.Skipf("the model is missing: %v", err)
			}
			x := r.image(name)
			out, err := reference.Run(t.Context(), m, reference.Values{r.Input: x})
			if err != nil {
				t.Fatal(err)
			}
			var want []float32
			for i, o := range r.Outputs {
				want, _ = array(t, golden.Shared(t, fmt.Sprintf("onnx/golden/%s.output_%d.npy", name, i)))
				if d := difference(t, every(out[o.Name].Float32s(), o.Stored), want); !(d <= 1e-4) {
					t.Errorf("the interpreter's %s differs by %.3g of the largest", o.Name, d)
				} else {
					t.Logf("the interpreter's %s differs by %.2g", o.Name, d)
				}
			}
			o := importer.Options{Output: r.Outputs[0].Name}
			if len(r.Shape) == 4 {
				o.InputSize, o.InputWidth = r.Shape[2], r.Shape[3]
			}
			n, err := importer.Import(t.Context(), m, o)
			if err != nil {
				t.Logf("no import: %.200s", err)
				return
			}
			s := n.Graph.Input.Shape
			want, _ = array(t, golden.Shared(t, fmt.Sprintf("onnx/golden/%s.output_0.npy", name)))
			got := predict(t, n.Graph, n.Weights, golden.NHWC(x.Float32s(), 1, s.C, s.H, s.W))
			if d := difference(t, every(activated(got, n.Activation), r.Outputs[0].Stored), want); !(d <= 1e-4) {
				t.Errorf("the imported network differs by %.3g of the largest", d)
			} else {
				t.Logf("the imported network differs by %.2g", d)
			}
		})
	}
}

// activated applies the activation that the importer left out.
func activated(v []float32, a importer.Activation) []float32 {
	out := slices.Clone(v)
	a.Apply(out)
	return out
}
