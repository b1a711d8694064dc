package optim_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func random(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

var configs = map[string]optim.Config{
	"sgd":      {Name: "sgd"},
	"nesterov": {Name: "sgd", Momentum: 0.9, Nesterov: true, WeightDecay: 0.01},
	"adam":     {Name: "adam"},
	"amsgrad":  {Name: "adam", AMSGrad: true, WeightDecay: 0.01},
	"adamw":    {Name: "adamw", WeightDecay: 0.01},
}

// run makes steps from one seed. It may exchange the optimizer between two steps.
func run(t *testing.T, c optim.Config, between func(optim.Optimizer) optim.Optimizer) []byte {
	t.Helper()
	opt, err := optim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	w := [][]float32{random(r, 100_003), random(r, 5)}
	for range 4 {
		params := []optim.Param{
			{Name: "a.weight", Shape: []int{100_003}, Value: w[0], Grad: random(r, 100_003)},
			{Name: "a.bias", Shape: []int{5}, Value: w[1], Grad: random(r, 5)},
		}
		if err := opt.Step(params, 0.01, 0.5); err != nil {
			t.Fatal(err)
		}
		if between != nil {
			opt = between(opt)
		}
	}
	d := opt.State()
	d.Tensors = append(d.Tensors, weights.NewFloat32("w", []int{100_003}, w[0]), weights.NewFloat32("b", []int{5}, w[1]))
	var buf bytes.Buffer
	if err := weights.Write(&buf, d); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestStepsContinueBitForBitFromALoadedState(t *testing.T) {
	for name, c := range configs {
		whole := run(t, c, nil)
		resumed := run(t, c, func(old optim.Optimizer) optim.Optimizer {
			fresh, err := optim.New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := fresh.Load(old.State()); err != nil {
				t.Fatal(err)
			}
			return fresh
		})
		if !bytes.Equal(whole, resumed) {
			t.Errorf("%s: the resumed steps differ", name)
		}
	}
}

func TestAnyNumberOfThreadsGivesTheSameBits(t *testing.T) {
	for name, c := range configs {
		c.Threads = 1
		one := run(t, c, nil)
		c.Threads = 5
		if !bytes.Equal(one, run(t, c, nil)) {
			t.Errorf("%s: five threads make other weights", name)
		}
	}
}

func TestWrongSettingsAndStatesAreRefused(t *testing.T) {
	for want, c := range map[string]optim.Config{
		`unknown optimizer "lamb"`:    {Name: "lamb"},
		"adam has no momentum":        {Name: "adam", Momentum: 0.9},
		"sgd has no amsgrad":          {Name: "sgd", AMSGrad: true},
		"nesterov needs a momentum":   {Name: "sgd", Nesterov: true},
		"a setting is out of range":   {Name: "adam", WeightDecay: -1},
		"weight_decay, momentum and ": {Name: "adamw", Beta1: 1},
	} {
		if _, err := optim.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", c, err, want)
		}
	}
	opt, err := optim.New(optim.Config{Name: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	v := []float32{1, 2}
	for want, name := range map[string]string{
		"a.momentum_buffer is of another optimizer": "a.momentum_buffer",
		"is missing or does not fit":                "a.exp_avg",
		"is not the name":                           "step",
	} {
		err := opt.Load(&weights.StateDict{Tensors: []weights.Tensor{weights.NewFloat32(name, []int{2}, v)}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if err := opt.Step([]optim.Param{{Name: "a", Shape: []int{2}, Value: v, Grad: v[:1]}}, 1, 1); err == nil {
		t.Error("a gradient of another length is taken")
	}
	if err := opt.Step([]optim.Param{{Name: "a", Shape: []int{2}, Value: v, Grad: make([]float32, 2)}}, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := opt.Step([]optim.Param{{Name: "a", Shape: []int{1}, Value: v[:1], Grad: v[:1]}}, 1, 1); err == nil || !strings.Contains(err.Error(), "shape [2]") {
		t.Errorf("got %v", err)
	}
}

// gorgoniaSolver is an optimizer that steps gorgonia's nodes, as gorgonia's own do.
type gorgoniaSolver struct {
	optim.Optimizer
	rate float64
}

func (s gorgoniaSolver) Step(model []gorgonia.ValueGrad) error {
	var params []optim.Param
	for _, vg := range model {
		n := vg.(*gorgonia.Node)
		grad, err := n.Grad()
		if err != nil {
			return err
		}
		params = append(params, optim.Param{Name: n.Name(), Shape: n.Shape(), Value: n.Value().Data().([]float32), Grad: grad.Data().([]float32)})
	}
	err := s.Optimizer.Step(params, s.rate, 1)
	for _, p := range params {
		clear(p.Grad)
	}
	return err
}

func TestAdamMakesTheStepsOfGorgoniasAdam(t *testing.T) {
	train := func(solver gorgonia.Solver) []float32 {
		g := gorgonia.NewGraph()
		w := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithName("w"), gorgonia.WithValue(tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, -2, 3}))))
		loss := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.Square(w))))
		if _, err := gorgonia.Grad(loss, w); err != nil {
			t.Fatal(err)
		}
		m := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(w))
		defer m.Close()
		for range 3 {
			m.Reset()
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			if err := solver.Step([]gorgonia.ValueGrad{w}); err != nil {
				t.Fatal(err)
			}
		}
		return w.Value().Data().([]float32)
	}
	opt, err := optim.New(optim.Config{Name: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	got, want := train(gorgoniaSolver{opt, 0.1}), train(gorgonia.NewAdamSolver(gorgonia.WithLearnRate(0.1)))
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-5 {
			t.Errorf("got %v, gorgonia's are %v", got, want)
		}
	}
}
