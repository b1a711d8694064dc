package threshold_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/threshold"
)

// calibrated returns a model whose predictions are the probabilities of its labels
// minus 0.25 plus the shift of the class.
func calibrated(rows, classes int, shift func(class int) float64) *world.World {
	r := rand.New(rand.NewPCG(1, 2))
	w := &world.World{Classes: classes, Predictions: make([][]float32, 1)}
	for i := range rows {
		w.Folds = append(w.Folds, uint8(i%3))
		var labels []int
		for c := range classes {
			p := 0.6 * math.Pow(r.Float64(), 3)
			if r.Float64() < p {
				labels = append(labels, c)
			}
			w.Predictions[0] = append(w.Predictions[0], float32(p-0.25+shift(c)))
		}
		w.Labels = append(w.Labels, labels)
	}
	return w
}

// read reads a world. It finds the best common offset for all rows, and without each
// fold.
func read(dir string, w *world.World) (run func(*float64) (*threshold.Result, error), err error) {
	set, err := w.Write(dir)
	if err != nil {
		return nil, err
	}
	s, err := problem.ReadSign(context.Background(), set, problem.Options{Beta: 2, MaxOffset: 0.25}, nil)
	if err != nil {
		return nil, err
	}
	best := func(p problem.Problem) []float64 {
		u, v := []float64{1, -0.25}, []float64{1, 0.25}
		return problem.Between(u, v, p.Line(u, v).At)
	}
	held := [][]float64{best(s.Select(1, 2)), best(s.Select(0, 2)), best(s.Select(0, 1))}
	return func(strength *float64) (*threshold.Result, error) {
		return threshold.Run(context.Background(), s, set, best(s), threshold.Options{Strength: strength, Held: held})
	}, nil
}

func Example() {
	dir, err := os.MkdirTemp("", "threshold")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// The first class's predictions are too high.
	run, err := read(dir, calibrated(600, 6, func(class int) float64 { return []float64{0: 0.2, 5: 0}[class] }))
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := run(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("first class %.2f, others %.2f\n", found.Thresholds[0], found.Thresholds[1:])
	fmt.Println("better held out:", found.HeldOut.PerClass > found.HeldOut.Common)
	// Output:
	// first class -0.02, others [-0.15 -0.20 -0.13 -0.13 -0.14]
	// better held out: true
}

// One threshold serves all classes here. Per-class thresholds score higher on the
// rows they are fitted to, and lower on others. Shrunk as cross-validation chooses,
// they do less harm.
func TestHeldOutScoresExposeOverfitting(t *testing.T) {
	run, err := read(t.TempDir(), calibrated(150, 40, func(int) float64 { return 0 }))
	if err != nil {
		t.Fatal(err)
	}
	free := 0.0
	r, err := run(&free)
	if err != nil {
		t.Fatal(err)
	}
	if r.Fitted.PerClass < r.Fitted.Common+0.02 || r.HeldOut.PerClass > r.HeldOut.Common-0.005 {
		t.Errorf("fitted %+v, held out %+v", r.Fitted, r.HeldOut)
	}
	chosen, err := run(nil)
	if err != nil {
		t.Fatal(err)
	}
	if chosen.Strength == 0 || chosen.HeldOut.PerClass < r.HeldOut.PerClass {
		t.Errorf("chosen %v: held out %+v, without shrinkage %+v", chosen.Strength, chosen.HeldOut, r.HeldOut)
	}
}

func TestAnInterruptEndsTheSearch(t *testing.T) {
	w := calibrated(30, 4, func(int) float64 { return 0 })
	set, err := w.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := problem.ReadSign(context.Background(), set, problem.Options{Beta: 2, MaxOffset: 0.25}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := threshold.Run(ctx, s, set, []float64{1, 0}, threshold.Options{}); err == nil {
		t.Error("no error")
	}
}
