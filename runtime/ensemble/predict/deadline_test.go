package predict_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
)

// machine simulates a machine on the clock of synctest.
type machine struct {
	view    []float64                         // seconds for one view of an image, by model
	setup   float64                           // seconds to make a network
	read    float64                           // seconds to read the weights of a fold
	hang    map[string]time.Duration          // time for which a read hangs first, by fold
	slower  func(since time.Duration) float64 // relative time per operation; nil means 1
	started time.Time
}

// work takes the time for a number of seconds on an undisturbed machine. It works in
// pieces of a second, because the machine may change its speed.
func (m *machine) work(ctx context.Context, seconds float64) error {
	for seconds > 0 {
		piece := min(seconds, 1)
		seconds -= piece
		select {
		case <-time.After(time.Duration(piece * m.slower(time.Since(m.started)) * float64(time.Second))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// use makes a run use the simulated machine.
func (m *machine) use(o *predict.Options) {
	m.started = time.Now()
	if m.slower == nil {
		m.slower = func(time.Duration) float64 { return 1 }
	}
	o.Read = func(ctx context.Context, f *ensemble.Fold) ([]byte, error) {
		time.Sleep(m.hang[f.Name]) // no context interrupts a dead disk
		return nil, m.work(ctx, m.read)
	}
	predict.SetLoad(o, func(_ arch.Arch, model *ensemble.Model, _ []byte, _ int) (predict.Network, error) {
		if err := m.work(context.Background(), m.setup); err != nil {
			return nil, err
		}
		var i int
		if _, err := fmt.Sscanf(model.Name, "m%d", &i); err != nil {
			return nil, err
		}
		return predict.PredictFunc(func(ctx context.Context, _, logits []float32) error {
			clear(logits)
			return m.work(ctx, m.view[i]*float64(len(logits)/model.Classes))
		}), nil
	})
}

// bigPlan returns a plan for the world's images.
func (w *world) bigPlan(models, folds int) *ensemble.Plan {
	p := &ensemble.Plan{Name: "big", Classes: ensembletest.Classes}
	for i := range models {
		m := ensemble.Model{
			Name: fmt.Sprintf("m%d", i), Coefficient: 1 / float64(i+1), Arch: "tiny", InputSize: 8, Classes: ensembletest.Classes,
			Views: []int{4, 2, 1, 1, 2, 1, 1}[i%7],
		}
		for f := range folds {
			m.Folds = append(m.Folds, ensemble.Fold{
				Name: fmt.Sprintf("m%d_f%d", i, f), SHA256: strings.Repeat("00", 32), Size: 1000, Threshold: 0.4,
			})
		}
		p.Models = append(p.Models, m)
	}
	return p
}

// undisturbed returns how long a plan takes if the machine keeps its speed.
func (m *machine) undisturbed(p *ensemble.Plan, images int) time.Duration {
	total := 0.0
	for i, model := range p.Models {
		total += float64(len(model.Folds)) * (m.setup + float64(images*model.Views)*m.view[i])
	}
	return time.Duration(total * float64(time.Second))
}

// simulate runs the plan with a budget and returns how long it took. The test fails if
// the run is late or the submission incomplete.
func (w *world) simulate(t *testing.T, p *ensemble.Plan, m *machine, budget time.Duration, change func(*predict.Options)) (took time.Duration, s predict.Summary) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := w.options(t.TempDir())
		o.Budget, o.Batch, o.Log = budget, 32, io.Discard
		if change != nil {
			change(&o)
		}
		m.use(&o)
		start := time.Now()
		var err error
		s, err = predict.Run(context.Background(), p, o)
		took = time.Since(start)
		if err != nil {
			t.Errorf("after %v: %v", took, err)
			return
		}
		if took > budget {
			t.Errorf("it took %v of a budget of %v", took, budget)
		}
		w.labels(t, read(t, o.Output))
		// A read that hangs must end before the test may.
		time.Sleep(24 * time.Hour)
	})
	return took, s
}

func TestFiftyDisturbedRunsAreNeverLate(t *testing.T) {
	const images = 96
	w := newWorld(t, images)
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 50))
		p := w.bigPlan(1+r.IntN(7), 1+r.IntN(5))
		m := &machine{setup: 5 * r.Float64(), read: 10 * r.Float64(), hang: map[string]time.Duration{}}
		for range p.Models {
			m.view = append(m.view, 0.02+0.3*r.Float64()*r.Float64())
		}
		// The speed changes at random times, up to five times slower or faster.
		var at []time.Duration
		var by []float64
		budget := time.Duration(float64(m.undisturbed(p, images)) * (0.05 + 1.5*r.Float64()))
		for range 1 + r.IntN(8) {
			at = append(at, time.Duration(r.Float64()*float64(budget)))
			by = append(by, 0.5+4.5*r.Float64()*r.Float64())
		}
		m.slower = func(since time.Duration) float64 {
			s := 1.0
			for i := range at {
				if since > at[i] {
					s = by[i]
				}
			}
			return s
		}
		for range r.IntN(3) { // some files take minutes
			f := p.Models[r.IntN(len(p.Models))].Folds
			m.hang[f[r.IntN(len(f))].Name] = time.Duration(r.Float64() * float64(10*time.Minute))
		}
		took, s := w.simulate(t, p, m, budget, nil)
		if testing.Verbose() {
			t.Logf("seed %d: %v of %v, %d folds, %d reduced, %d dropped", seed, took.Round(time.Second), budget.Round(time.Second), s.Folds, len(s.Reduced), len(s.Dropped))
		}
	}
}

func TestAnUndisturbedRunUsesItsBudget(t *testing.T) {
	const images = 96
	w := newWorld(t, images)
	p := w.bigPlan(7, 5)
	m := &machine{view: []float64{0.1, 0.3, 0.12, 0.4, 0.2, 0.25, 0.15}, setup: 1, read: 2}
	whole := m.undisturbed(p, images)
	for _, share := range []float64{0.1, 0.3, 0.5, 0.7, 0.9, 0.99} {
		budget := time.Duration(share * float64(whole))
		took, s := w.simulate(t, p, m, budget, nil)
		if used := float64(took) / float64(budget); used < 0.9 {
			t.Errorf("with %.0f%% of the time that all takes: %.1f%% of the budget is used; %d folds, %d reduced", 100*share, 100*used, s.Folds, len(s.Reduced))
		} else {
			t.Logf("with %.0f%% of the time that all takes: %.1f%% of the budget is used; %d of 35 folds whole, %d with fewer views", 100*share, 100*used, s.Folds, len(s.Reduced))
		}
	}
	took, s := w.simulate(t, p, m, 2*whole, nil)
	if s.Folds != 35 || len(s.Reduced)+len(s.Dropped) > 0 {
		t.Errorf("with time for everything, in %v: %+v", took, s)
	}
}

func TestAMachineThatBecomesSlowerOrHangsIsNotLate(t *testing.T) {
	const images = 96
	w := newWorld(t, images)
	p := w.bigPlan(3, 2)
	fresh := func() *machine { return &machine{view: []float64{0.1, 0.3, 0.2}, setup: 1, read: 2} }
	whole := fresh().undisturbed(p, images)

	m := fresh()
	m.slower = func(since time.Duration) float64 {
		if since > whole/2 {
			return 3
		}
		return 1
	}
	_, s := w.simulate(t, p, m, whole+whole/20, nil)
	if s.Folds < 3 || len(s.Dropped)+len(s.Reduced) == 0 {
		t.Errorf("three times slower half way: %+v", s)
	}

	m = fresh()
	m.hang = map[string]time.Duration{"m1_f0": 3 * time.Minute}
	if _, s = w.simulate(t, p, m, whole+whole/20, nil); s.Folds < 6 {
		t.Errorf("a file that takes minutes: %+v", s)
	}
	m.hang["m1_f0"] = 10 * time.Hour
	if _, s = w.simulate(t, p, m, whole+whole/20, nil); s.Folds != 5 || len(s.Dropped) != 1 {
		t.Errorf("a file that takes for ever: %+v", s)
	}

	// No read ever ends: the submission has default labels only.
	m = fresh()
	m.hang = map[string]time.Duration{}
	for _, model := range p.Models {
		for _, f := range model.Folds {
			m.hang[f.Name] = 10 * time.Hour
		}
	}
	if _, s = w.simulate(t, p, m, time.Minute, nil); s.Folds != 0 || len(s.Dropped) != 6 {
		t.Errorf("nothing can be read: %+v", s)
	}
}

func TestABudgetThatIsOverGivesTheDefaultLabels(t *testing.T) {
	w := newWorld(t, 6)
	w.Plan.Fallback = []int{3, 6}
	for name, change := range map[string]func(*predict.Options){
		"before the start": func(o *predict.Options) { o.Start = time.Now().Add(-time.Hour) },
		"at the start":     func(o *predict.Options) { o.Budget = time.Nanosecond },
	} {
		got, s := w.predict(t, func(o *predict.Options) {
			o.Budget = 30 * time.Minute
			change(o)
		})
		if s.Folds != 0 || len(s.Unreadable) != 0 || s.Defaults != 6 {
			t.Errorf("%s: %+v", name, s)
		}
		for _, labels := range w.labels(t, got) {
			if labels != "3 6" {
				t.Errorf("%s: labels %q", name, labels)
			}
		}
	}
}

// A failed early write must not end a run that has time to try again.
func TestAnOutputThatComesBackIsWrittenInTheEnd(t *testing.T) {
	w := newWorld(t, 6)
	want, _ := w.predict(t, nil)
	dir := filepath.Join(t.TempDir(), "out")
	must(t, os.Mkdir(dir, 0o755))
	o := w.options(dir)
	n := 0
	predict.SetLoad(&o, func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (predict.Network, error) {
		if n++; n == 1 {
			must(t, os.Rename(dir, dir+".away"))
		}
		if n == 4 {
			must(t, os.Rename(dir+".away", dir))
		}
		return predict.LoadNetwork(a, m, data, threads)
	})
	if _, err := predict.Run(context.Background(), w.Plan, o); err != nil {
		t.Fatal(errors.Join(err))
	}
	if got := read(t, o.Output); got != want {
		t.Error("another submission")
	}
}
