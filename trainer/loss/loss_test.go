package loss_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

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
			f, err := loss.New(base, p)
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

func names() []string {
	return []string{
		"binary_cross_entropy", "cross_entropy", "focal_loss", "f2_loss", "mixed_bce_focal", "mixed_bce_f2",
		"forgiving_loss", "mse", "mse_loss", "l1", "l1_loss", "smooth_l1", "smooth_l1_loss",
	}
}

func TestGradientsMatchDifferenceQuotients(t *testing.T) {
	const n, classes, h = 3, 4, 1e-3
	logits, labels := make([]float32, n*classes), make([]float32, n*classes)
	for i := range logits {
		logits[i] = 3 * float32(math.Sin(float64(7*i+1)))
		labels[i] = []float32{0, 1, 0.25, 0.75}[i*5%4]
	}
	for _, name := range names() {
		f, err := loss.New(name, config.LossParams{Weight: 0.7})
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
				t.Errorf("%s: derivative %d is %v, the quotient %v", name, i, grad[i], want)
			}
		}
	}
}

func TestLargeLogitsStayFinite(t *testing.T) {
	logits := []float32{200, -200, 1e4, -1e4}
	labels := []float32{0, 1, 1, 0}
	for _, name := range names() {
		f, err := loss.New(name, config.LossParams{Weight: 1})
		if err != nil {
			t.Fatal(err)
		}
		grad := make([]float32, 4)
		v := f(grad, logits, labels, 2, 2)
		for _, g := range append(grad, float32(v)) {
			if math.IsNaN(float64(g)) || math.IsInf(float64(g), 0) {
				t.Errorf("%s: loss %v, gradient %v", name, v, grad)
				break
			}
		}
	}
}

func ExampleNew() {
	f, _ := loss.New("binary_cross_entropy", config.LossParams{})
	grad := make([]float32, 2)
	v := f(grad, []float32{0, 0}, []float32{1, 0}, 1, 2)
	fmt.Printf("%.4f %v\n", v, grad) // log 2
	// Output: 0.6931 [-0.25 0.25]
}
