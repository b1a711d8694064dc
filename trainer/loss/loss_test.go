package loss_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
)

// reference holds values that PyTorch computed.
type reference struct {
	Logits, Labels [][]float32
	Cases          map[string]struct {
		Loss    float64
		Grad    [][]float64
		Targets []int
	}
}

func read(t *testing.T) reference {
	t.Helper()
	b, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func flat(rows [][]float32) []float32 {
	var all []float32
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}

func TestValuesAndGradientsMatchPyTorch(t *testing.T) {
	ref := read(t)
	n, classes := len(ref.Logits), len(ref.Logits[0])
	logits := flat(ref.Logits)
	for name, want := range ref.Cases {
		t.Run(name, func(t *testing.T) {
			var p config.LossParams
			base := name
			if i := strings.LastIndexByte(name, '_'); i > 0 {
				if w, err := strconv.ParseFloat(name[i+1:], 64); err == nil {
					base, p.Weight = name[:i], w
				}
			}
			f, err := loss.New(base, loss.Options{Params: p})
			if err != nil {
				t.Fatal(err)
			}
			labels := flat(ref.Labels)
			if want.Targets != nil {
				clear(labels)
				for i, c := range want.Targets {
					labels[i*classes+c] = 1
				}
			}
			grad := make([]float32, len(logits))
			got := f(grad, logits, labels, n, classes)
			if math.Abs(got-want.Loss) > 1e-6*math.Max(1, want.Loss) {
				t.Errorf("loss %v, want %v", got, want.Loss)
			}
			for i, g := range grad {
				if w := want.Grad[i/classes][i%classes]; math.Abs(float64(g)-w) > 1e-6*math.Max(0.1, math.Abs(w)) {
					t.Fatalf("gradient %d is %v, want %v", i, g, w)
				}
			}
		})
	}
}

// taskReference holds the values that testdata/tasks.py took from PyTorch.
type taskReference struct {
	N, Classes int
	Logits     []float32
	Cases      []struct {
		Name, Task string
		Params     struct {
			LabelSmoothing float64 `json:"label_smoothing"`
			Gamma          float64
			Alpha          float64
			Beta           float64
		}
		Weights []float64
		Labels  []float32
		Loss    float64
		Grad    []float64
	}
}

func TestLossesWithParametersMatchPyTorch(t *testing.T) {
	b, err := os.ReadFile("testdata/tasks.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref taskReference
	if err := json.Unmarshal(b, &ref); err != nil {
		t.Fatal(err)
	}
	for _, c := range ref.Cases {
		kind, err := task.Parse(c.Task)
		if err != nil {
			t.Fatal(err)
		}
		f, err := loss.New(c.Name, loss.Options{Task: kind, Weights: c.Weights, Params: config.LossParams{
			LabelSmoothing: c.Params.LabelSmoothing, Gamma: c.Params.Gamma, Alpha: c.Params.Alpha, Beta: c.Params.Beta,
		}})
		if err != nil {
			t.Fatal(err)
		}
		grad := make([]float32, len(ref.Logits))
		if got := f(grad, ref.Logits, c.Labels, ref.N, ref.Classes); math.Abs(got-c.Loss) > 1e-12*math.Max(1, c.Loss) {
			t.Errorf("%s %s %+v: loss %v, want %v", c.Task, c.Name, c.Params, got, c.Loss)
		}
		for i, g := range grad {
			if math.Abs(float64(g)-c.Grad[i]) > 1e-7*math.Max(0.1, math.Abs(c.Grad[i])) {
				t.Errorf("%s %s %+v: gradient %d is %v, want %v", c.Task, c.Name, c.Params, i, g, c.Grad[i])
				break
			}
		}
	}
}

// variant is a loss with its options.
type variant struct {
	name    string
	options loss.Options
}

// variants returns every loss, and those with parameters in several forms.
func variants() []variant {
	var all []variant
	for _, name := range []string{
		"binary_cross_entropy", "cross_entropy", "focal_loss", "f2_loss", "mixed_bce_focal", "mixed_bce_f2",
		"forgiving_loss", "mse", "mse_loss", "l1", "l1_loss", "smooth_l1", "smooth_l1_loss",
	} {
		all = append(all, variant{name, loss.Options{Params: config.LossParams{Weight: 0.7}}})
	}
	weights := []float64{0.5, 2, 1, 0.25}
	return append(all,
		variant{"binary_cross_entropy", loss.Options{Weights: weights, Params: config.LossParams{LabelSmoothing: 0.1}}},
		variant{"cross_entropy", loss.Options{Task: task.Multiclass, Weights: weights, Params: config.LossParams{LabelSmoothing: 0.1}}},
		variant{"focal_loss", loss.Options{Weights: weights, Params: config.LossParams{Gamma: 0.5, Alpha: 0.25}}},
		variant{"focal_loss", loss.Options{Task: task.Multiclass, Weights: weights, Params: config.LossParams{Gamma: 0.5, Alpha: 0.25}}},
		variant{"focal_loss", loss.Options{Task: task.Multiclass, Params: config.LossParams{Gamma: 3}}},
		variant{"smooth_l1", loss.Options{Task: task.Regression, Params: config.LossParams{Beta: 0.3}}},
	)
}

func TestGradientsMatchDifferenceQuotients(t *testing.T) {
	const n, classes, h = 3, 4, 1e-3
	logits, labels := make([]float32, n*classes), make([]float32, n*classes)
	for i := range logits {
		logits[i] = 3 * float32(math.Sin(float64(7*i+1)))
		labels[i] = []float32{0, 1, 0.25, 0.75}[i*5%4]
	}
	for _, v := range variants() {
		f, err := loss.New(v.name, v.options)
		if err != nil {
			t.Fatal(err)
		}
		grad, none := make([]float32, n*classes), make([]float32, n*classes)
		f(grad, logits, labels, n, classes)
		for i, x := range logits {
			logits[i] = x + h
			up := f(none, logits, labels, n, classes)
			logits[i] = x - h
			down := f(none, logits, labels, n, classes)
			logits[i] = x
			step := float64(x+h) - float64(x-h)
			if want := (up - down) / step; math.Abs(want-float64(grad[i])) > 1e-4 {
				t.Errorf("%s %+v: derivative %d is %v, the quotient %v", v.name, v.options, i, grad[i], want)
			}
		}
	}
}

func TestLargeLogitsStayFinite(t *testing.T) {
	logits := []float32{200, -200, 1e4, -1e4, 30, 30, -1e4, 1e4, 0, 0, 0, 0}
	labels := []float32{0, 1, 1, 0, 1, 0, 0, 1, 0.5, 0.5, 1, 0}
	for _, v := range variants() {
		f, err := loss.New(v.name, v.options)
		if err != nil {
			t.Fatal(err)
		}
		grad := make([]float32, len(logits))
		value := f(grad, logits, labels, 3, 4)
		for _, g := range append(grad, float32(value)) {
			if math.IsNaN(float64(g)) || math.IsInf(float64(g), 0) {
				t.Errorf("%s %+v: loss %v, gradient %v", v.name, v.options, value, grad)
				break
			}
		}
	}
}

// Over all labels, the mean weight is 1: rare classes count for as much as frequent ones.
func TestBalancedWeights(t *testing.T) {
	got := loss.Balanced([]int{6, 3, 0, 1})
	for c, want := range []float64{10.0 / 24, 10.0 / 12, 1, 10.0 / 4} {
		if math.Abs(got[c]-want) > 1e-15 {
			t.Errorf("class %d has the weight %v, want %v", c, got[c], want)
		}
	}
}

func ExampleNew() {
	f, _ := loss.New("binary_cross_entropy", loss.Options{})
	grad := make([]float32, 2)
	v := f(grad, []float32{0, 0}, []float32{1, 0}, 1, 2)
	fmt.Printf("%.4f %v\n", v, grad) // log 2
	// Output: 0.6931 [-0.25 0.25]
}
