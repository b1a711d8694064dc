package loop_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/augment"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
)

const classes, side = 3, 4

// linear is a network of one linear layer with dropout.
type linear struct {
	w, grad []float32
	loss    loss.Func
	rng     uint64
	frozen  func(string) bool
	steps   int
	nanAt   int
	stop    func(step int) // called after each Step
}

var _ loop.Model = (*linear)(nil)

const inputs = 3 * side * side

func newLinear(t testing.TB, l loss.Func) *linear {
	t.Helper()
	m := &linear{w: make([]float32, classes*inputs), grad: make([]float32, classes*inputs), loss: l, rng: 5, nanAt: -1}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range m.w {
		m.w[i] = float32(r.NormFloat64()) / 10
	}
	return m
}

func (m *linear) logits(images []float32, keep []bool) []float32 {
	n := len(images) / inputs
	out := make([]float32, n*classes)
	for i := range n {
		for c := range classes {
			for k := range inputs {
				if keep == nil || keep[k] {
					out[i*classes+c] += m.w[c*inputs+k] * images[i*inputs+k]
				}
			}
		}
	}
	return out
}

func (m *linear) Step(_ context.Context, images, labels []float32) (float64, []float32, error) {
	if m.steps == m.nanAt {
		return 0, nil, errors.New("the output of fc is not finite")
	}
	m.steps++
	r := rand.New(rand.NewPCG(m.rng, 9))
	m.rng++
	keep := make([]bool, inputs)
	for k := range keep {
		keep[k] = r.Float64() > 0.1
	}
	out := m.logits(images, keep)
	g := make([]float32, len(out))
	n := len(out) / classes
	v := m.loss(g, out, labels, n, classes)
	for i := range n {
		for c := range classes {
			for k := range inputs {
				if keep[k] {
					m.grad[c*inputs+k] += g[i*classes+c] * images[i*inputs+k]
				}
			}
		}
	}
	if m.stop != nil {
		m.stop(m.steps)
	}
	return v, out, nil
}

func (m *linear) Update(o optim.Optimizer, lr, scale float64) error {
	defer clear(m.grad)
	if m.frozen != nil && m.frozen("fc.weight") {
		return nil
	}
	return o.Step([]optim.Param{{Name: "fc.weight", Shape: []int{classes, inputs}, Value: m.w, Grad: m.grad}}, lr, scale)
}

func (m *linear) SetFrozen(f func(string) bool) error { m.frozen = f; return nil }

func (m *linear) Predict(_ context.Context, images []float32, _ int) ([]float32, error) {
	return m.logits(images, nil), nil
}

func (m *linear) StateDict() *weights.StateDict {
	return &weights.StateDict{Tensors: []weights.Tensor{weights.NewFloat32("fc.weight", []int{classes, inputs}, m.w)}}
}

func (m *linear) Load(d *weights.StateDict) error {
	v, _, err := d.Float32("fc.weight")
	copy(m.w, v)
	return err
}

func (m *linear) RNG() uint64     { return m.rng }
func (m *linear) SetRNG(s uint64) { m.rng = s }

// shelf is a Store in memory.
type shelf struct {
	best, last *weights.StateDict
	bests      []loop.Result
	checkpoint *loop.Checkpoint
}

func (s *shelf) SaveBest(d *weights.StateDict, r loop.Result) error {
	s.best = d
	s.bests = append(s.bests, r)
	return nil
}
func (s *shelf) SaveLast(d *weights.StateDict, _ loop.Result) error { s.last = d; return nil }
func (s *shelf) Best() (*weights.StateDict, error)                  { return s.best, nil }
func (s *shelf) SaveCheckpoint(c *loop.Checkpoint) error            { s.checkpoint = c; return nil }

// images makes a set of n images whose color determines the label.
func images(t testing.TB, n int) *data.Set {
	t.Helper()
	dir := t.TempDir()
	table := "id,attribute_ids\n"
	for i := range n {
		m := image.NewNRGBA(image.Rect(0, 0, side, side))
		for k := range side * side {
			c := [3]uint8{60, 60, 60}
			c[i%classes] = uint8(150 + (i*37+k*11)%100)
			m.SetNRGBA(k%side, k/side, color.NRGBA{c[0], c[1], c[2], 255})
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("p%02d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		f.Close()
		table += fmt.Sprintf("p%02d,%d\n", i, i%classes)
	}
	if err := os.WriteFile(filepath.Join(dir, "train.csv"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := data.Open(t.Context(), data.Source{CSV: filepath.Join(dir, "train.csv"), Dirs: []string{dir}, Labels: labeltable.Options{Classes: classes}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// training returns a training of the linear network.
func training(t testing.TB, set *data.Set, extra string) (*loop.Training, *linear, *shelf) {
	t.Helper()
	c, _, err := config.Parse("t.yml", []byte(fmt.Sprintf(
		"model: {arch: linear, num_classes: %d, input_size: %d}\naugmentations: {hflip: true, noise: 0.5}\n%s", classes, side, extra)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := loss.New(c.Loss.Name, loss.Options{Params: c.Loss.Params})
	if err != nil {
		t.Fatal(err)
	}
	opt, err := optim.New(optim.Config{Name: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	var train, held []int
	for i := range set.IDs {
		if i%5 == 0 {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	pre := vision.Preprocess{Size: side, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}}
	m, s := newLinear(t, l), &shelf{}
	beta := 0.0
	if c.Train.Mixup.Enable {
		beta = c.Train.Mixup.BetaA
	}
	return &loop.Training{
		Config: c, Model: m, Optimizer: opt, Loss: l, Head: "fc.", Store: s, Truth: set.Truth(held),
		Train: data.NewLoader(set, train, data.Options{Batch: c.Train.BatchSize, Pre: pre, Augment: augment.New(c), MixupBeta: beta, Seed: 3}),
		Valid: data.NewLoader(set, held, data.Options{Batch: 4, Pre: pre}),
	}, m, s
}

func same(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
