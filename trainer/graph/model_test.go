package graph_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/graph"
	"github.com/deploy-kernel/deploy-kernel/trainer/initial"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
)

// small builds a network with shortcuts and every kind of layer that has state.
func small(t testing.TB) *nn.Graph {
	t.Helper()
	b := nn.NewBuilder("small", nn.Shape{C: 3, H: 16, W: 16})
	x := b.Conv("stem", b.Input(), nn.Conv2d{Out: 32, Window: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1)})
	x = b.ReLU(b.BatchNorm("norm1", x, nn.BatchNorm2d{}))
	y := b.Conv("grouped", x, nn.Conv2d{Out: 32, Window: nn.Square(3), Pad: nn.Square(1), Groups: 8})
	y = b.ReLU(b.BatchNorm("norm2", y, nn.BatchNorm2d{}))
	y = b.Conv("dense", y, nn.Conv2d{Out: 32, Window: nn.Square(3), Pad: nn.Square(1)})
	y = b.BatchNorm("norm3", y, nn.BatchNorm2d{})
	y = b.Mul(y, b.Sigmoid(b.Conv("gate", b.GlobalAvgPool(y), nn.Conv2d{Out: 32, Window: nn.Square(1), Bias: true})))
	x = b.ReLU(b.Add(y, x))
	y = b.Activate(b.LayerNorm("pixels", x, 1e-6), nn.Activation{Kind: nn.Swish, A: 1})
	y = b.PixelLinear("wide", y, 24)
	y = b.PixelLinear("narrow", b.Activate(y, nn.Activation{Kind: nn.GELU}), 32)
	x = b.Add(x, b.LayerScale("scale", y))
	g, err := b.Graph(b.Linear("last", b.Dropout(b.GlobalAvgPool(x), 0.3), 5))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func batch(n int) (images, labels []float32) {
	images = golden.NHWC(golden.Images(n, 16, 16, 4), n, 3, 16, 16)
	labels = make([]float32, n*5)
	for i := range labels {
		if golden.Uniform("labels", i) > 0 {
			labels[i] = 1
		}
	}
	return images, labels
}

func newModel(t testing.TB, o graph.Options) *graph.Model {
	t.Helper()
	g := small(t)
	if o.Loss == nil {
		o.Loss = crossEntropy
	}
	m, err := graph.New(g, golden.StateDict(g), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func adam(t testing.TB) optim.Optimizer {
	t.Helper()
	opt, err := optim.New(optim.Config{Name: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

// step makes one step and its update.
func step(t testing.TB, m *graph.Model, opt optim.Optimizer, n int) float64 {
	t.Helper()
	images, labels := batch(n)
	loss, _, err := m.Step(context.Background(), images, labels)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Update(opt, 1e-2, 1); err != nil {
		t.Fatal(err)
	}
	return loss
}

// file returns a state as the bytes of a weight file.
func file(t testing.TB, d *weights.StateDict) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := weights.Write(&buf, d); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestAnyNumberOfThreadsGivesTheSameBits(t *testing.T) {
	var want []byte
	for _, threads := range []int{1, 2, 3, 7} {
		m := newModel(t, graph.Options{Batch: 6, Threads: threads})
		opt := adam(t)
		for range 3 {
			step(t, m, opt, 6)
		}
		got := file(t, m.StateDict())
		if want == nil {
			want = got
		} else if !bytes.Equal(got, want) {
			t.Errorf("%d threads make other weights than one", threads)
		}
	}
}

func TestAResumedTrainingContinuesBitForBit(t *testing.T) {
	whole := newModel(t, graph.Options{Batch: 4, Seed: 5})
	opt := adam(t)
	for range 3 {
		step(t, whole, opt, 4)
	}
	kept, state, rng := whole.StateDict(), opt.State(), whole.RNG()
	for range 2 {
		step(t, whole, opt, 4)
	}

	g := small(t)
	resumed, err := graph.New(g, kept, graph.Options{Batch: 4, Seed: 5, Loss: crossEntropy})
	if err != nil {
		t.Fatal(err)
	}
	again := adam(t)
	if err := again.Load(state); err != nil {
		t.Fatal(err)
	}
	resumed.SetRNG(rng)
	for range 2 {
		step(t, resumed, again, 4)
	}
	if !bytes.Equal(file(t, resumed.StateDict()), file(t, whole.StateDict())) {
		t.Error("the resumed training has other weights")
	}
	if !bytes.Equal(file(t, again.State()), file(t, opt.State())) {
		t.Error("the resumed optimizer has another state")
	}
}

func TestNetworksOfTimmLearn(t *testing.T) {
	for _, name := range []string{"tf_efficientnet_b0", "convnext_tiny"} {
		if name == "convnext_tiny" && os.Getenv("DEPLOY_KERNEL_LONG") == "" {
			continue // 28 million parameters
		}
		a, err := arch.Find(arch.All(), name)
		if err != nil {
			t.Fatal(err)
		}
		g, err := a.Build(arch.Config{InputSize: 32, Classes: 5, Dropout: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		m, err := graph.New(g, initial.Random(g, 1), graph.Options{Batch: 4, Loss: crossEntropy})
		if err != nil {
			t.Fatal(err)
		}
		opt := adam(t)
		images := golden.NHWC(golden.Images(4, 32, 32, 8), 4, 3, 32, 32)
		_, labels := batch(4)
		var losses []float64
		for range 8 {
			loss, _, err := m.Step(context.Background(), images, labels)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, loss)
			if err := m.Update(opt, 1e-3, 1); err != nil {
				t.Fatal(err)
			}
		}
		if last := losses[len(losses)-1]; last > losses[0]/2 {
			t.Errorf("%s: the losses are %.3g", name, losses)
		}
	}
}

func TestGradientsAddUpUntilTheUpdate(t *testing.T) {
	m := newModel(t, graph.Options{Batch: 4, Freeze: func(name string) bool { return strings.HasPrefix(name, "norm") }})
	images, labels := batch(4)
	sum := func() (all []float32) {
		for p := range m.Gradients() {
			all = append(all, p.Grad...)
		}
		return all
	}
	var parts []float32
	for i := range 2 {
		m.SetRNG(0)
		if _, _, err := m.Step(context.Background(), images, labels); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			parts = sum()
		}
	}
	for i, v := range sum() {
		if math.Abs(float64(v-2*parts[i])) > 1e-6+1e-5*math.Abs(float64(v)) {
			t.Fatalf("gradient %d is %g after two steps, %g after one", i, v, parts[i])
		}
	}
	if err := m.Update(adam(t), 0, 0.5); err != nil {
		t.Fatal(err)
	}
	for i, v := range sum() {
		if v != 0 {
			t.Fatalf("gradient %d is %g after the update", i, v)
		}
	}
}

func TestFrozenLayersDoNotChange(t *testing.T) {
	m := newModel(t, graph.Options{Batch: 4})
	frozen := func(name string) bool { return !strings.HasPrefix(name, "last") }
	if err := m.SetFrozen(frozen); err != nil {
		t.Fatal(err)
	}
	before := m.StateDict()
	opt := adam(t)
	step(t, m, opt, 4)
	for _, old := range before.Tensors {
		now, _ := m.StateDict().Find(old.Name)
		if same := bytes.Equal(old.Data, now.Data); same == strings.HasPrefix(old.Name, "last") && old.DType == weights.F32 {
			t.Errorf("%s: unchanged is %v", old.Name, same)
		}
	}
	if err := m.SetFrozen(nil); err != nil {
		t.Fatal(err)
	}
	step(t, m, opt, 4)
	for _, old := range before.Tensors {
		if now, _ := m.StateDict().Find(old.Name); bytes.Equal(old.Data, now.Data) {
			t.Errorf("%s is unchanged after all are trained", old.Name)
		}
	}
}

func TestPredictionsMatchTheEngine(t *testing.T) {
	m := newModel(t, graph.Options{Batch: 4})
	step(t, m, adam(t), 4)
	images, _ := batch(7)
	e, err := engine.Compile(small(t), m.StateDict(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 7*5)
	if err := e.Predict(context.Background(), images, want); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 4, 7} {
		got, err := m.Predict(context.Background(), images[:n*16*16*3], n)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if math.Abs(float64(v-want[i])) > 1e-4 {
				t.Fatalf("%d images: logit %d is %g, the engine's is %g", n, i, v, want[i])
			}
		}
	}
}

func TestASmallerBatchIgnoresTheRestOfTheMemory(t *testing.T) {
	large, small := newModel(t, graph.Options{Batch: 8}), newModel(t, graph.Options{Batch: 3})
	a, b := adam(t), adam(t)
	for _, n := range []int{3, 2, 3} {
		if x, y := step(t, large, a, n), step(t, small, b, n); x != y {
			t.Errorf("a batch of %d: loss %g where the largest is 8, %g where it is 3", n, x, y)
		}
	}
	if !bytes.Equal(file(t, large.StateDict()), file(t, small.StateDict())) {
		t.Error("the weights differ")
	}
}

func TestAStepWithNaNNamesTheLayerAndChangesNothing(t *testing.T) {
	for _, c := range []struct {
		spoil func(m *graph.Model, images []float32)
		want  graph.NaNError
	}{
		{func(_ *graph.Model, images []float32) { images[100] = float32(math.NaN()) }, graph.NaNError{Layer: "stem"}},
		{func(m *graph.Model, _ []float32) { weight(m, "dense.weight")[3] = float32(math.Inf(1)) }, graph.NaNError{Layer: "dense"}},
	} {
		m := newModel(t, graph.Options{Batch: 4})
		step(t, m, adam(t), 4)
		images, labels := batch(4)
		c.spoil(m, images)
		before := file(t, m.StateDict())
		_, _, err := m.Step(context.Background(), images, labels)
		got := new(graph.NaNError)
		if !errors.As(err, &got) || *got != c.want {
			t.Errorf("got %v, want %v", err, &c.want)
		}
		if !bytes.Equal(file(t, m.StateDict()), before) {
			t.Error("the weights changed")
		}
		for p := range m.Gradients() {
			if slices.ContainsFunc(p.Grad, func(v float32) bool { return v != 0 }) {
				t.Fatalf("%s has a gradient", p.Name)
			}
		}
	}
}

func weight(m *graph.Model, name string) []float32 {
	for p := range m.Gradients() {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

func TestAnInfiniteLossIsNamed(t *testing.T) {
	m := newModel(t, graph.Options{Batch: 2, Loss: func(grad, _, _ []float32, _, _ int) float64 {
		grad[0] = float32(math.NaN())
		return 1
	}})
	images, labels := batch(2)
	_, _, err := m.Step(context.Background(), images, labels)
	if got := new(graph.NaNError); !errors.As(err, &got) || got.Layer != "last" || !got.Backward {
		t.Errorf("got %v", err)
	}
}

func TestACanceledStepChangesNothing(t *testing.T) {
	m := newModel(t, graph.Options{Batch: 2})
	before := file(t, m.StateDict())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	images, labels := batch(2)
	if _, _, err := m.Step(ctx, images, labels); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(file(t, m.StateDict()), before) {
		t.Error("the weights changed")
	}
	step(t, m, adam(t), 2) // it goes on
}

func TestAPanicInTheLossIsAnError(t *testing.T) {
	m := newModel(t, graph.Options{Batch: 2, Loss: func(_, _, _ []float32, _, _ int) float64 { panic("no such loss") }})
	images, labels := batch(2)
	if _, _, err := m.Step(context.Background(), images, labels); err == nil || !strings.Contains(err.Error(), "no such loss") {
		t.Errorf("got %v", err)
	}
}

func TestWrongWeightsAndBatchesAreRefused(t *testing.T) {
	g := small(t)
	dict := golden.StateDict(g)
	dict.Tensors[0] = weights.NewFloat32(dict.Tensors[0].Name, []int{1}, []float32{1})
	if _, err := graph.New(g, dict, graph.Options{Loss: crossEntropy}); err == nil || !strings.Contains(err.Error(), "stem.weight") {
		t.Errorf("got %v", err)
	}
	dict.Tensors = dict.Tensors[1:]
	if _, err := graph.New(g, dict, graph.Options{Loss: crossEntropy}); err == nil || !strings.Contains(err.Error(), "stem.weight") {
		t.Errorf("got %v", err)
	}
	m := newModel(t, graph.Options{Batch: 2})
	images, labels := batch(3)
	if _, _, err := m.Step(context.Background(), images, labels); err == nil || !strings.Contains(err.Error(), "at most 2") {
		t.Errorf("got %v", err)
	}
	if _, err := m.Predict(context.Background(), images[1:], 3); err == nil {
		t.Error("images of a wrong size are predicted")
	}
}

// The dict keeps names and order, and batches are counted as in PyTorch.
func TestTheStateDictMatchesPyTorch(t *testing.T) {
	g := small(t)
	dict := golden.StateDict(g)
	m := newModel(t, graph.Options{Batch: 2})
	step(t, m, adam(t), 2)
	got := m.StateDict()
	if !slices.EqualFunc(got.Tensors, dict.Tensors, func(a, b weights.Tensor) bool { return a.Name == b.Name && a.DType == b.DType }) {
		t.Errorf("got %v, want %v", got.Infos(), dict.Infos())
	}
	if n, _ := got.Find("norm1.num_batches_tracked"); n.Data[0] != 1 {
		t.Errorf("the counter of batches is %v", n.Data)
	}
}

// Over two hundred steps of a real network, memory neither grows nor becomes garbage.
func TestStepsLeaveNoGarbage(t *testing.T) {
	a, err := arch.Find(arch.All(), "seresnext50_32x4d")
	if err != nil {
		t.Fatal(err)
	}
	steps := 20
	if os.Getenv("DEPLOY_KERNEL_LONG") != "" {
		steps = 200
	}
	g, err := a.Build(arch.Config{InputSize: 64, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	m, err := graph.New(g, golden.StateDict(g), graph.Options{Batch: 2, Loss: crossEntropy})
	if err != nil {
		t.Fatal(err)
	}
	opt := adam(t)
	images, labels := golden.NHWC(golden.Images(2, 64, 64, 8), 2, 3, 64, 64), make([]float32, 20)
	var before, after runtime.MemStats
	for i := range steps + 2 {
		if i == 2 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
		if _, _, err := m.Step(context.Background(), images, labels); err != nil {
			t.Fatal(err)
		}
		if err := m.Update(opt, 1e-4, 1); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := float64(after.TotalAlloc-before.TotalAlloc) / float64(steps) / 1e6
	t.Logf("a step leaves %.2f MB of garbage; the heap holds %d bytes, and %d steps earlier %d", per, after.HeapAlloc, steps, before.HeapAlloc)
	if per > 5 {
		t.Errorf("a step leaves %.1f MB of garbage", per)
	}
	if after.HeapAlloc > before.HeapAlloc+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes in %d steps", before.HeapAlloc, after.HeapAlloc, steps)
	}
}
