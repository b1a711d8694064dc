package loop_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

const all = `train: {batch_size: 4, num_epochs: 6, accum_batches_num: 2, enable_warmup: true, head_only_warmup: true,
  warmup: {steps: 3, max_lr: 0.05}, mixup: {enable: true, beta_a: 0.3}, swa: {enable: true, start: 2, period: 2}}
scheduler: {name: reduce_lr_on_plateau, params: {factor: 0.5, patience: 0}}
optimizer: {params: {lr: 0.05}}`

func TestTrainingLearns(t *testing.T) {
	tr, _, s := training(t, images(t, 30), "train: {batch_size: 4, num_epochs: 12}\noptimizer: {params: {lr: 0.02}}")
	var losses []float64
	steps := 0
	tr.Hooks.Batch = func(p loop.Progress) { steps += p.Images }
	tr.Hooks.Epoch = func(r loop.Result, _ *loop.State) { losses = append(losses, r.TrainLoss) }
	end, err := tr.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	best, ok := end.State.Best()
	if !ok || best.Score < 0.95 || losses[11] > losses[0]/2 {
		t.Errorf("best %+v, losses %v", best, losses)
	}
	if steps != 12*24 || len(end.State.History) != 12 || s.bests[len(s.bests)-1].Epoch != best.Epoch {
		t.Errorf("%d images, %d results, best saved %+v", steps, len(end.State.History), s.bests)
	}
}

// Every feature is on, so that the checkpoint must hold all state.
func TestAnInterruptedTrainingEndsWithTheSameBits(t *testing.T) {
	set := images(t, 33)
	tr, m, s := training(t, set, all)
	end, err := tr.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, wantBest, wantSWA := m.w, s.best, end.SWA
	wantHistory := history(end.State)
	for stop := 1; stop <= m.steps; stop++ {
		tr, first, s := training(t, set, all)
		ctx, cancel := context.WithCancel(t.Context())
		first.stop = func(step int) {
			if step == stop {
				cancel()
			}
		}
		if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		if first.steps > stop+1 {
			t.Fatalf("stopped at batch %d, it went on to %d", stop, first.steps)
		}
		again, m, fresh := training(t, set, all)
		fresh.best = s.best
		again.From = copyOf(t, s.checkpoint)
		end, err := again.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !same(m.w, want) || !same(values(t, fresh.best), values(t, wantBest)) || !same(values(t, end.SWA), values(t, wantSWA)) {
			t.Errorf("stopped at batch %d, the end differs", stop)
		}
		if got := history(end.State); got != wantHistory {
			t.Errorf("stopped at batch %d, the results are\n%s\nand not\n%s", stop, got, wantHistory)
		}
	}
}

// copyOf returns a checkpoint after a round trip of its state through JSON.
func copyOf(t *testing.T, c *loop.Checkpoint) *loop.Checkpoint {
	t.Helper()
	b, err := json.Marshal(c.State)
	if err != nil {
		t.Fatal(err)
	}
	out := *c
	out.State = loop.State{}
	if err := json.Unmarshal(b, &out.State); err != nil {
		t.Fatal(err)
	}
	return &out
}

// history formats the results without their times.
func history(s *loop.State) string {
	var lines []string
	for _, r := range s.History {
		r.Took, r.Waited = 0, 0
		b, _ := json.Marshal(r)
		lines = append(lines, string(b))
	}
	return strings.Join(lines, "\n")
}

func values(t *testing.T, d *weights.StateDict) []float32 {
	t.Helper()
	v, _, err := d.Float32("fc.weight")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnInterruptedValidationIsRepeated(t *testing.T) {
	set := images(t, 33)
	tr, m, s := training(t, set, "train: {batch_size: 4, num_epochs: 2}")
	ctx, cancel := context.WithCancel(t.Context())
	tr.Hooks.Validating = func(int, int) { cancel() }
	if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if c := s.checkpoint; !c.State.Trained || len(c.State.History) != 0 {
		t.Fatalf("the checkpoint is %+v", c.State)
	}
	steps := m.steps
	again, m, _ := training(t, set, "train: {batch_size: 4, num_epochs: 2}")
	again.From = s.checkpoint
	end, err := again.Run(t.Context())
	if err != nil || len(end.State.History) != 2 || m.steps != steps {
		t.Errorf("%v, %d steps after %d", err, m.steps, steps)
	}
}

func TestAStepThatIsNotFiniteStopsWithTheWeightsBefore(t *testing.T) {
	set := images(t, 33)
	tr, m, s := training(t, set, "train: {batch_size: 4, num_epochs: 3}")
	m.nanAt = 9
	_, err := tr.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "epoch 1, batch 4 of 6: the output of fc is not finite") {
		t.Fatalf("error %v", err)
	}
	if !same(values(t, s.checkpoint.Model), m.w) || s.checkpoint.State.Batch != 3 || s.last == nil {
		t.Error("the weights before the step are not kept")
	}
}

func TestAPlateauReloadsTheBestWeights(t *testing.T) {
	tr, m, s := training(t, images(t, 33), `train: {batch_size: 4, num_epochs: 4}
scheduler: {name: reduce_lr_on_plateau, params: {factor: 0.5, patience: 0, threshold: 10}}`)
	var notes []string
	tr.Hooks.Note = func(text string) { notes = append(notes, text) }
	tr.Hooks.Epoch = func(r loop.Result, _ *loop.State) {
		if r.Epoch > 0 && !same(m.w, values(t, s.best)) {
			t.Errorf("epoch %d: training goes on from other weights than the best", r.Epoch)
		}
	}
	end, err := tr.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 3 || !strings.Contains(notes[0], "the rate drops to 5e-05") || end.State.Schedule.Rate != 1e-4/8 {
		t.Errorf("notes %q, rate %v", notes, end.State.Schedule.Rate)
	}
}

func TestCheckpointsAreMadeWithinAnEpoch(t *testing.T) {
	tr, m, s := training(t, images(t, 33), "train: {batch_size: 4, num_epochs: 1}")
	tr.Every = time.Nanosecond
	var batches []int
	m.stop = func(int) {
		if s.checkpoint != nil {
			batches = append(batches, s.checkpoint.State.Batch)
		}
	}
	if _, err := tr.Run(t.Context()); err != nil || len(batches) != 5 {
		t.Errorf("checkpoints after %v batches (%v)", batches, err)
	}
}

func TestAverageReturnsTheMean(t *testing.T) {
	dict := func(v float32) *weights.StateDict {
		return &weights.StateDict{Tensors: []weights.Tensor{
			weights.NewFloat32("w", []int{1}, []float32{v}), {Name: "n", DType: weights.I64, Shape: []int{}, Data: make([]byte, 8)},
		}}
	}
	mean := dict(1)
	for n, v := range []float32{2, 6} {
		var err error
		if mean, err = loop.Average(mean, dict(v), n+1); err != nil {
			t.Fatal(err)
		}
	}
	if v, _, err := mean.Float32("w"); err != nil || v[0] != 3 {
		t.Errorf("the mean of 1, 2 and 6 is %v (%v)", v, err)
	}
}

func TestFindRateEndsWhenTheLossDiverges(t *testing.T) {
	tr, _, _ := training(t, images(t, 33), "train: {batch_size: 4, lr_finder: {num_steps: 60, init_value: 1e-4, final_value: 100, beta: 0.5}}\nloss: {name: mse}")
	points, err := tr.FindRate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(points) < 20 || len(points) == 60 || points[0].Rate != 1e-4 {
		t.Errorf("%d points from %v on", len(points), points[0].Rate)
	}
	ratio := points[1].Rate / points[0].Rate
	if want := math.Pow(1e6, 1.0/59); math.Abs(ratio-want) > 1e-9 {
		t.Errorf("rates grow by %v, want %v", ratio, want)
	}
	if r := loop.Steepest(points); r < 1e-4 || r > points[len(points)-1].Rate {
		t.Errorf("the rate to begin with is %v of %v", r, points)
	}
}

// With a metric of which lower is better, the best epoch is the lowest.
func TestTheBestEpochHasTheLowestLogLoss(t *testing.T) {
	tr, _, s := training(t, images(t, 33), "train: {batch_size: 4, num_epochs: 8}\noptimizer: {params: {lr: 0.2}}\nmetric: {name: log-loss}")
	end, err := tr.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	best, _ := end.State.Best()
	for _, r := range end.State.History {
		if r.Score < best.Score || r.Threshold != 0 {
			t.Errorf("epoch %d has %v at %v, the best has %v", r.Epoch, r.Score, r.Threshold, best.Score)
		}
	}
	if s.bests[len(s.bests)-1].Epoch != best.Epoch {
		t.Errorf("the best saved is %+v, not %+v", s.bests[len(s.bests)-1], best)
	}
}
