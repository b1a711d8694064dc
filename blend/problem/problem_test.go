package problem_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/internal/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"pgregory.net/rapid"
)

// world is a small problem that is all in memory.
type world struct {
	classes     int
	folds       []uint8
	labels      [][]int
	predictions [][]float32 // by model, of all rows in the table's order
}

// order returns the rows fold by fold, as problems have them.
func (w *world) order() []int {
	var rows []int
	for fold := range uint8(4) {
		for i, f := range w.folds {
			if f == fold {
				rows = append(rows, i)
			}
		}
	}
	return rows
}

// write writes the files of the world and opens them.
func (w *world) write(dir string) (*oof.Set, error) {
	var table strings.Builder
	table.WriteString("id,attribute_ids\n")
	for i, labels := range w.labels {
		fmt.Fprintf(&table, "r%d,%s\n", i, strings.Trim(fmt.Sprint(labels), "[]"))
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("train.csv"), []byte(table.String()), 0o644); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := npy.WriteUint8(&b, []int{len(w.folds)}, w.folds); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path("folds.npy"), b.Bytes(), 0o644); err != nil {
		return nil, err
	}
	truth, err := oof.ReadTruth(path("train.csv"), path("folds.npy"))
	if err != nil {
		return nil, err
	}
	var models []oof.Model
	for m, p := range w.predictions {
		model := oof.Model{Name: "m" + strconv.Itoa(m)}
		for fold, rows := range truth.Rows {
			var values []float32
			for _, r := range rows {
				values = append(values, p[r*w.classes:(r+1)*w.classes]...)
			}
			b.Reset()
			if err := npy.WriteFloat32(&b, []int{len(rows), w.classes}, values); err != nil {
				return nil, err
			}
			file := path(fmt.Sprintf("level1_train_m%d_f%d_e1_0.5.npy", m, fold))
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				return nil, err
			}
			model.Files = append(model.Files, file)
		}
		models = append(models, model)
	}
	return oof.Open(truth, models)
}

// score is the definition: all predictions, blended, scored.
func (w *world) score(point []float64, o problem.Options) float64 {
	y := w.blend(point)
	if o.Micro {
		return y.MicroFBeta(0, o.Beta)
	}
	return y.FBeta(0, o.Beta)
}

func (w *world) blend(point []float64) metric.Rows {
	y := metric.Rows{Classes: w.classes}
	for _, r := range w.order() {
		y.Labels = append(y.Labels, w.labels[r])
		for c := range w.classes {
			sum, weights := 0.0, 0.0
			for m, p := range w.predictions {
				sum += point[m] * float64(p[r*w.classes+c])
				weights += point[m]
			}
			for _, offset := range point[len(w.predictions):] {
				sum -= offset * weights
			}
			y.Scores = append(y.Scores, float32(math.Copysign(min(math.Abs(sum)*1e12, 1), sum)))
			if sum == 0 {
				y.Scores[len(y.Scores)-1] = 0
			}
		}
	}
	return y
}

func drawWorld(t *rapid.T, maxRows int) (*world, problem.Options) {
	w := &world{classes: rapid.IntRange(1, 70).Draw(t, "classes")}
	models, rows := rapid.IntRange(1, 5).Draw(t, "models"), rapid.IntRange(1, maxRows).Draw(t, "rows")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	coarse := rapid.Bool().Draw(t, "coarse")
	negative := rapid.Float32Range(0, 1).Draw(t, "negative")
	folds := rapid.IntRange(1, min(3, rows)).Draw(t, "folds")
	for i := range rows {
		w.folds = append(w.folds, uint8(i%folds))
		w.labels = append(w.labels, r.Perm(w.classes)[:min(w.classes, r.IntN(5))])
	}
	for range models {
		p := make([]float32, rows*w.classes)
		for i := range p {
			if p[i] = r.Float32() - negative; coarse {
				p[i] = float32(r.IntN(9)-4) / 8
			}
		}
		w.predictions = append(w.predictions, p)
	}
	o := problem.Options{
		Beta:  rapid.SampledFrom([]float64{0.5, 1, 2}).Draw(t, "beta"),
		Micro: rapid.Bool().Draw(t, "micro"),
	}
	if rapid.Bool().Draw(t, "offset") {
		o.MaxOffset = 0.25
	}
	return w, o
}

// drawPoint draws a point without round numbers: on such, predictions may cancel
// but for rounding, and the order of adding decides. It may be a corner.
func drawPoint(t *rapid.T, models int, o problem.Options) []float64 {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "point"), 0))
	point := make([]float64, models)
	if i := r.IntN(2 * models); i < models {
		point[i] = 1
	} else {
		for i := range point {
			point[i] = r.ExpFloat64()
		}
	}
	point = problem.Scaled(point, models)
	if o.MaxOffset > 0 {
		point = append(point, (2*r.Float64()-1)*o.MaxOffset)
	}
	return point
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// What pruning leaves has the score of all predictions, at every point; and so
// have the folds alone.
func TestAPrunedProblemScoresAsTheWholeOne(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, o := drawWorld(t, 20)
		set, err := w.write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadSign(context.Background(), set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		point := drawPoint(t, p.Models(), o)
		if got, want := p.Score(point), w.score(point, o); !near(got, want) {
			t.Fatalf("score %v, by definition %v", got, want)
		}
		fold := int(w.folds[len(w.folds)-1])
		part := *w
		part.labels, part.folds, part.predictions = nil, nil, make([][]float32, p.Models())
		for i, f := range w.folds {
			if int(f) == fold {
				part.labels, part.folds = append(part.labels, w.labels[i]), append(part.folds, 0)
				for m, v := range w.predictions {
					part.predictions[m] = append(part.predictions[m], v[i*w.classes:(i+1)*w.classes]...)
				}
			}
		}
		if got, want := p.Select(fold).Score(point), part.score(point, o); !near(got, want) {
			t.Fatalf("fold %d scores %v, by definition %v", fold, got, want)
		}
	})
}

// The best point of a line is on it, has the score that is said of it, counted
// anew, and no other point of the line beats it.
func TestNoPointOfALineBeatsTheBest(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, o := drawWorld(t, 20)
		set, err := w.write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadSign(context.Background(), set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		u, v := drawPoint(t, p.Models(), o), drawPoint(t, p.Models(), o)
		best := p.Line(u, v)
		if best.At < 0 || best.At > 1 {
			t.Fatalf("the best point is at %v", best.At)
		}
		if got := p.Score(problem.Between(u, v, best.At)); !near(got, best.Score) {
			t.Fatalf("%v at %v, counted anew %v", best.Score, best.At, got)
		}
		for i := range 202 {
			// No round numbers, see drawPoint, but the ends.
			at := min(max(0, (float64(i)-0.618)/200), 1)
			if got := p.Score(problem.Between(u, v, at)); got > best.Score+1e-9 {
				t.Fatalf("%v at %v, but %v at %v, said to be best", got, at, best.Score, best.At)
			}
		}
	})
}

// A problem of the points around a center scores them as the whole one does.
func TestARegionScoresAsTheWholeProblem(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, o := drawWorld(t, 20)
		set, err := w.write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadSign(context.Background(), set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		center, radius := drawPoint(t, p.Models(), o), rapid.Float64Range(0.001, 1).Draw(t, "radius")
		region := p.Around(center, radius)
		if left, all := region.(*problem.Sign).Entries(), p.Entries(); left > all {
			t.Fatalf("%d of %d entries are left", left, all)
		}
		u, v := drawPoint(t, p.Models(), o), drawPoint(t, p.Models(), o)
		place := func(q []float64) []float64 { return problem.Between(center, q, radius) }
		for _, q := range [][]float64{center, u, v} {
			if got, want := region.Score(q), p.Score(place(q)); !near(got, want) {
				t.Fatalf("%v at %v, where the whole problem has %v", got, q, want)
			}
		}
		if got, want := region.Line(u, v), p.Line(place(u), place(v)); !near(got.Score, want.Score) {
			t.Fatalf("the best of a line is %v, in the whole problem %v", got, want)
		}
	})
}

func TestPointsThatAreNotAdmissible(t *testing.T) {
	for _, c := range []struct {
		point []float64
		want  bool
	}{
		{[]float64{0.5, 0.5}, true},
		{[]float64{0, 2}, true},
		{[]float64{0, 0}, false},
		{[]float64{-0.1, 1}, false},
		{[]float64{math.NaN(), 1}, false},
		{[]float64{math.Inf(1), 1}, false},
		{[]float64{1, 1, 0.1}, true},
		{[]float64{1, 1, -0.3}, false},
	} {
		if got := problem.Admissible(c.point, 2, 0.25); got != c.want {
			t.Errorf("%v: %v", c.point, got)
		}
	}
}
