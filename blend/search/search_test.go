package search_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"github.com/deploy-kernel/deploy-kernel/dev/oofgen"
	"pgregory.net/rapid"
)

func draw(t *rapid.T, dir string, rows, models int) (*problem.Sign, problem.Options) {
	w, o := world.Draw(t, rows, models)
	set, err := w.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := problem.ReadSign(context.Background(), set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, o
}

func run(t *rapid.T, p problem.Problem, o search.Options) search.Result {
	r, err := search.Run(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A fine grid over all weights never beats the exact search.
func TestNoGridBeatsTheExactSearch(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		p, o := draw(t, dir, 30, 3)
		if p.Models() == 3 && o.MaxOffset > 0 {
			t.Skip("the search is exhaustive in two dimensions; three models and a threshold have three")
		}
		found := run(t, p, search.Options{Seed: 1})
		offsets := []float64{}
		if o.MaxOffset > 0 {
			for c := -o.MaxOffset; c <= o.MaxOffset; c += o.MaxOffset / 10 {
				offsets = append(offsets, c)
			}
		}
		grid(p.Models(), 50, func(point []float64) {
			if len(offsets) == 0 {
				offsets = []float64{0}
			}
			for _, c := range offsets {
				q := point
				if o.MaxOffset > 0 {
					q = append(point[:len(point):len(point)], c*0.99382)
				}
				if score := p.Score(q); score > found.Score+1e-9 {
					t.Fatalf("%v scores %v, but %v was found at %v", q, score, found.Score, found.Point)
				}
			}
		})
	})
}

// grid calls do with coefficients near all multiples of 1/steps. The small shift
// keeps predictions from canceling up to rounding.
func grid(models, steps int, do func([]float64)) {
	point := make([]float64, models)
	var fill func(i, left int)
	fill = func(i, left int) {
		if i == models-1 {
			point[i] = float64(left)
			jittered := make([]float64, models)
			for k, v := range point {
				jittered[k] = v * (1 + 1e-4*float64(k*k+1)*0.618)
			}
			do(problem.Scaled(jittered, models))
			return
		}
		for n := range left + 1 {
			point[i] = float64(n)
			fill(i+1, left-n)
		}
	}
	fill(0, steps)
}

// generated is a problem of correlated models on made-up labels.
func generated(t testing.TB, rows, classes, models int, seed uint64) *problem.Sign {
	t.Helper()
	dir := t.TempDir()
	files, err := oofgen.Generate(context.Background(), dir, oofgen.RandomTruth(rows, classes, 3, seed), oofgen.Options{Models: models, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	truth, err := oof.ReadTruth(filepath.Join(dir, "train.csv"), filepath.Join(dir, "folds.npy"), labeltable.Options{Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	found, err := oof.FindAll(files, truth.Folds)
	if err != nil {
		t.Fatal(err)
	}
	set, err := oof.Open(truth, found)
	if err != nil {
		t.Fatal(err)
	}
	p, err := problem.ReadSign(context.Background(), set, problem.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// methods returns all methods.
func methods(t *testing.T) []search.Method {
	t.Helper()
	var all []search.Method
	for _, name := range search.Names() {
		m, err := search.ParseMethod(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestNoMethodBeatsTheExactOne(t *testing.T) {
	for seed := range uint64(10) {
		p := generated(t, 900, 40, 5, seed)
		scores := map[search.Method]float64{}
		for _, m := range methods(t) {
			r, err := search.Run(context.Background(), p, search.Options{Method: m, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			if !problem.Admissible(r.Point, p.Models(), 0) {
				t.Errorf("%v, seed %d: %v is no point", m, seed, r.Point)
			}
			if got := p.Score(r.Point); math.Abs(got-r.Score) > 1e-12 {
				t.Errorf("%v, seed %d: said to score %v, scores %v", m, seed, r.Score, got)
			}
			for i, step := range r.Trace[1:] {
				if step.Score <= r.Trace[i].Score {
					t.Errorf("%v, seed %d: step %d of the trace is none up", m, seed, i+1)
				}
			}
			scores[m] = r.Score
		}
		for m, score := range scores {
			if score > scores[search.Exact] {
				t.Errorf("seed %d: %v found %v, the exact search %v", seed, m, score, scores[search.Exact])
			}
		}
		if scores[search.Exact] <= scores[search.Equal] {
			t.Errorf("seed %d: the exact search gained nothing over equal coefficients", seed)
		}
	}
}

func TestTheSeedDeterminesTheResultOnAnyNumberOfCores(t *testing.T) {
	p := generated(t, 600, 30, 4, 1)
	var points []string
	for _, cores := range []int{1, 2, 4} {
		before := runtime.GOMAXPROCS(cores)
		r, err := search.Run(context.Background(), p, search.Options{Seed: 5})
		runtime.GOMAXPROCS(before)
		points = append(points, fmt.Sprint(r.Point, err))
	}
	if points[0] != points[1] || points[0] != points[2] {
		t.Errorf("the results differ: %v", points)
	}
}

func TestASearchEndsWithItsContext(t *testing.T) {
	p := generated(t, 300, 20, 4, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, m := range methods(t) {
		if _, err := search.Run(ctx, p, search.Options{Method: m}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: error %v", m, err)
		}
	}
}

func TestMethodsAreFoundByTheirNames(t *testing.T) {
	for i, m := range methods(t) {
		if want := search.Names()[i]; m.String() != want {
			t.Errorf("%s is the method %v", want, m)
		}
	}
	if _, err := search.ParseMethod("simplex"); err == nil {
		t.Error("simplex is a method")
	}
}
