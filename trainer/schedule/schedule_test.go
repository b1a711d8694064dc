package schedule_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/schedule"
)

// parse returns a config with a schedule.
func parse(t testing.TB, rest string) *config.Config {
	t.Helper()
	c, _, err := config.Parse("test.yml", []byte("model: {arch: cifar_resnet20, num_classes: 2}\n"+rest))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// golden returns the reference's rates for the case whose name begins with prefix.
func golden(t *testing.T, prefix string) json.RawMessage {
	t.Helper()
	b, err := os.ReadFile("testdata/schedules.json")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for name, v := range cases {
		if strings.HasPrefix(name, prefix) {
			return v
		}
	}
	t.Fatalf("no case %s", prefix)
	return nil
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*math.Abs(b) }

func TestRatesMatchTheReference(t *testing.T) {
	cyclic := func(gamma string) string {
		return "scheduler: {name: cyclic_lr, params: {base_lr: 1e-3, max_lr: 1e-2, step_size_up: 20, gamma: " + gamma + "}}"
	}
	for _, c := range []struct {
		golden, config string
		perEpoch       int
		tolerance      float64
	}{
		{"step{", "optimizer: {params: {lr: 0.01}}\nscheduler: {name: step, params: {step_size: 10, gamma: 0.1}}", 1, 1e-12},
		{"multi_step{", "optimizer: {params: {lr: 0.01}}\nscheduler: {name: multi_step, params: {milestones: [5, 12, 15], gamma: 0.2}}", 1, 1e-12},
		{"exponential{", "optimizer: {params: {lr: 0.01}}\nscheduler: {name: exponential, params: {gamma: 0.995}}", 1, 1e-12},
		{"config cyclic_lr (amplitude gamma^(cycle-1), whatever mode says) gamma=1.0", cyclic("1"), 1000, 1e-12},
		{"config cyclic_lr (amplitude gamma^(cycle-1), whatever mode says) gamma=0.3", cyclic("0.3"), 1000, 1e-12},
		// The reference counts parts of epochs in float32.
		{"CosineLRWithRestarts", "scheduler: {name: cosine}\ncosine: {start_lr: 1e-4, period: 3, period_inc: 1, max_period: 5}", 10, 1e-5},
	} {
		var want []float64
		if err := json.Unmarshal(golden(t, c.golden), &want); err != nil {
			t.Fatal(err)
		}
		s := schedule.New(parse(t, c.config))
		for i, w := range want {
			at := schedule.Position{Epoch: i / c.perEpoch, Step: i % c.perEpoch, PerEpoch: c.perEpoch, Total: i}
			if got := s.Rate(at); !near(got, w, c.tolerance) {
				t.Errorf("%s: rate %d is %v, want %v", c.golden, i, got, w)
				break
			}
		}
	}
}

const plateau = "optimizer: {params: {lr: 1e-4}}\nscheduler: {name: reduce_lr_on_plateau, params: {factor: 0.2, patience: 2, min_lr: 3e-7, threshold: 1e-3}}"

func TestPlateausLowerTheRateAsInPyTorch(t *testing.T) {
	var want struct{ Metric, LR []float64 }
	if err := json.Unmarshal(golden(t, "reduce_lr_on_plateau"), &want); err != nil {
		t.Fatal(err)
	}
	c := parse(t, plateau)
	s := schedule.New(c)
	for i, w := range want.LR {
		got := s.Rate(schedule.Position{Epoch: i})
		if !near(got, w, 1e-12) {
			t.Fatalf("epoch %d: rate %v, want %v", i, got, w)
		}
		dropped := s.EpochEnd(want.Metric[i])
		if i+1 < len(want.LR) && dropped != (want.LR[i+1] < w) {
			t.Fatalf("epoch %d: dropped is %v", i, dropped)
		}
		// A schedule that takes up the state goes on alike.
		next := schedule.New(c)
		next.SetState(s.State())
		s = next
	}
}

func TestTheWarmUpComesFirst(t *testing.T) {
	c := parse(t, "train: {enable_warmup: true, warmup: {steps: 4, max_lr: 0.4}}\n"+
		"scheduler: {name: cyclic_lr, params: {base_lr: 1, max_lr: 3, step_size_up: 2}}")
	s := schedule.New(c)
	for i, want := range []float64{0.1, 0.2, 0.3, 0.4, 1, 2, 3, 2, 1, 2} {
		if got := s.Rate(schedule.Position{Epoch: i / 3, Step: i % 3, PerEpoch: 3, Total: i}); !near(got, want, 1e-12) {
			t.Errorf("step %d: rate %v, want %v", i, got, want)
		}
		if s.WarmingUp(i) != (i < 4) {
			t.Errorf("step %d: warming up is %v", i, s.WarmingUp(i))
		}
	}
}

func TestMilestonesLowerCycles(t *testing.T) {
	c := parse(t, "train: {lr_decay_coeff: 0.5, lr_decay_milestones: [1, 2]}\n"+
		"scheduler: {name: cyclic_lr, params: {base_lr: 1, max_lr: 1, step_size_up: 2}}")
	s := schedule.New(c)
	for epoch, want := range []float64{1, 0.5, 0.25, 0.25} {
		if got := s.Rate(schedule.Position{Epoch: epoch, PerEpoch: 1, Total: epoch}); got != want {
			t.Errorf("epoch %d: rate %v, want %v", epoch, got, want)
		}
	}
}

func ExampleNew() {
	c, _, _ := config.Parse("c.yml", []byte("model: {arch: resnet18, num_classes: 2}\n"+
		"optimizer: {params: {lr: 0.1}}\nscheduler: {name: step, params: {step_size: 2, gamma: 0.5}}"))
	s := schedule.New(c)
	for epoch := range 5 {
		fmt.Print(s.Rate(schedule.Position{Epoch: epoch}), " ")
	}
	// Output: 0.1 0.1 0.05 0.05 0.025
}

// For a metric of which lower is better, a score has to fall by the share threshold, as
// in PyTorch's mode min.
func TestPlateausOfLowerScores(t *testing.T) {
	c := parse(t, strings.Replace(plateau, "threshold: 1e-3", "threshold: 0.1", 1)+"\nmetric: {name: log-loss}")
	s := schedule.New(c)
	for i, score := range []float64{1, 0.8, 0.75, 0.73} { // 0.72 would be a gain
		if s.EpochEnd(score) {
			t.Errorf("epoch %d: the rate drops", i)
		}
	}
	if !s.EpochEnd(0.9) || s.EpochEnd(0.7) {
		t.Errorf("after %+v the rate does not drop once", s.State())
	}
}
