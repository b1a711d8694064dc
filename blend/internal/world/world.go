// Package world makes small random problems for the tests of blending, with the plain
// definition of their score.
//
//	w, options := world.Draw(t, 20, 5)
//	set, err := w.Write(dir)
package world

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"pgregory.net/rapid"
)

// World is a small problem in memory.
type World struct {
	Task        task.Task
	Classes     int
	Folds       []uint8
	Labels      [][]int     // nil for a regression
	Values      []float32   // targets of a regression
	Predictions [][]float32 // by model, of all rows in the order of the table
}

// width returns the number of values of a prediction.
func (w *World) width() int { return w.Task.Values(w.Classes) }

// Order returns the rows fold by fold, as problems order them.
func (w *World) Order() []int {
	var rows []int
	for fold := range uint8(4) {
		for i, f := range w.Folds {
			if f == fold {
				rows = append(rows, i)
			}
		}
	}
	return rows
}

// Write writes the files of the world to dir and opens them.
func (w *World) Write(dir string) (*oof.Set, error) {
	var table strings.Builder
	table.WriteString("id,attribute_ids\n")
	options := labeltable.Options{Task: w.Task, Classes: w.Classes, ID: "id", Columns: []string{"attribute_ids"}}
	if w.Task == task.Regression {
		table.Reset()
		table.WriteString("id")
		options.Columns = nil
		for t := range w.Classes {
			fmt.Fprintf(&table, ",t%d", t)
			options.Columns = append(options.Columns, "t"+strconv.Itoa(t))
		}
		table.WriteString("\n")
	}
	for i := range w.Folds {
		if w.Task == task.Regression {
			fmt.Fprintf(&table, "r%d,%s\n", i, strings.ReplaceAll(strings.Trim(fmt.Sprint(w.Values[i*w.Classes:(i+1)*w.Classes]), "[]"), " ", ","))
		} else {
			fmt.Fprintf(&table, "r%d,%s\n", i, strings.Trim(fmt.Sprint(w.Labels[i]), "[]"))
		}
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("train.csv"), []byte(table.String()), 0o644); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := npy.WriteUint8(&b, []int{len(w.Folds)}, w.Folds); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path("folds.npy"), b.Bytes(), 0o644); err != nil {
		return nil, err
	}
	truth, err := oof.ReadTruth(path("train.csv"), path("folds.npy"), options)
	if err != nil {
		return nil, err
	}
	var models []oof.Model
	for m, p := range w.Predictions {
		model := oof.Model{Name: "m" + strconv.Itoa(m)}
		for fold, rows := range truth.Rows {
			var values []float32
			for _, r := range rows {
				values = append(values, p[r*w.width():(r+1)*w.width()]...)
			}
			b.Reset()
			if err := npy.WriteFloat32(&b, []int{len(rows), w.width()}, values); err != nil {
				return nil, err
			}
			file := path(fmt.Sprintf("level1_train_m%d_f%d_e1_0.5.npy", m, fold))
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				return nil, err
			}
			spec := predictionspec.Spec{Task: w.Task, Classes: w.Classes}
			text, err := spec.Marshal()
			if err != nil {
				return nil, err
			}
			if err := os.WriteFile(path(fmt.Sprintf("m%d_f%d_e1_0.5.yml", m, fold)), text, 0o644); err != nil {
				return nil, err
			}
			model.Files = append(model.Files, file)
		}
		models = append(models, model)
	}
	return oof.Open(truth, models)
}

// Score returns the score by definition, from all blended predictions.
func (w *World) Score(point []float64, o problem.Options) float64 {
	y := w.Blend(point)
	if o.Micro {
		return y.MicroFBeta(0, o.Beta)
	}
	return y.FBeta(0, o.Beta)
}

// Blend returns the blended predictions, fold by fold.
func (w *World) Blend(point []float64) metric.Rows {
	y := metric.Rows{Classes: w.Classes}
	for _, r := range w.Order() {
		y.Labels = append(y.Labels, w.Labels[r])
		for c := range w.Classes {
			sum, weights := 0.0, 0.0
			for m, p := range w.Predictions {
				sum += point[m] * float64(p[r*w.Classes+c])
				weights += point[m]
			}
			for _, offset := range point[len(w.Predictions):] {
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

// Draw draws a problem of at most maxRows rows and maxModels models, and its options.
func Draw(t *rapid.T, maxRows, maxModels int) (*World, problem.Options) {
	w := &World{Classes: rapid.IntRange(2, 100).Draw(t, "classes")}
	models, rows := rapid.IntRange(1, maxModels).Draw(t, "models"), rapid.IntRange(1, maxRows).Draw(t, "rows")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	coarse := rapid.Bool().Draw(t, "coarse")
	negative := rapid.Float32Range(0, 1).Draw(t, "negative")
	folds := rapid.IntRange(1, min(3, rows)).Draw(t, "folds")
	for i := range rows {
		w.Folds = append(w.Folds, uint8(i%folds))
		w.Labels = append(w.Labels, r.Perm(w.Classes)[:min(w.Classes, r.IntN(5))])
	}
	for range models {
		p := make([]float32, rows*w.Classes)
		for i := range p {
			if p[i] = r.Float32() - negative; coarse {
				p[i] = float32(r.IntN(9)-4) / 8
			}
		}
		w.Predictions = append(w.Predictions, p)
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

// DrawPoint draws a point without round numbers. At round ones, predictions may
// cancel up to rounding, and the order of addition would decide. The point may be a
// corner.
func DrawPoint(t *rapid.T, models int, o problem.Options) []float64 {
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

// DrawTask draws a problem of a task, with two folds. Its predictions are probabilities,
// expected grades or values, without thresholds.
func DrawTask(t *rapid.T, kind task.Task, maxRows, maxModels int) *World {
	w := &World{Task: kind, Classes: rapid.IntRange(2, 5).Draw(t, "classes")}
	if kind == task.Regression {
		w.Classes = rapid.IntRange(1, 2).Draw(t, "targets")
	}
	rows, models := rapid.IntRange(4, maxRows).Draw(t, "rows"), rapid.IntRange(1, maxModels).Draw(t, "models")
	return random(w, rows, models, rapid.Bool().Draw(t, "coarse"), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
}

// Random returns a problem of a task with two folds, the same for the same seed.
func Random(kind task.Task, classes, rows, models int, seed uint64) *World {
	return random(&World{Task: kind, Classes: classes}, rows, models, false, rand.New(rand.NewPCG(seed, 1)))
}

// random fills w with truths and predictions.
func random(w *World, rows, models int, coarse bool, r *rand.Rand) *World {
	w.Predictions = make([][]float32, models)
	for i := range rows {
		w.Folds = append(w.Folds, uint8(i%2))
		evidence := make([]float64, w.width()) // of the truth
		class := r.IntN(w.Classes)
		switch w.Task {
		case task.Multilabel:
			labels := r.Perm(w.Classes)[:r.IntN(min(w.Classes, 3))]
			for _, c := range labels {
				evidence[c] = 1.5
			}
			w.Labels = append(w.Labels, labels)
		case task.Multiclass:
			evidence[class] = 1.5
			w.Labels = append(w.Labels, []int{class})
		case task.Ordinal:
			evidence[0] = float64(class)
			w.Labels = append(w.Labels, []int{class})
		case task.Regression:
			for k := range evidence {
				evidence[k] = float64(r.IntN(4))
				w.Values = append(w.Values, float32(evidence[k]))
			}
		}
		for m := range w.Predictions {
			sum := 0.0
			values := make([]float64, len(evidence))
			for k, e := range evidence {
				values[k] = e + (0.7+0.2*float64(m))*r.NormFloat64()
				if coarse {
					values[k] = math.Round(values[k]*2) / 2
				}
				sum += math.Exp(values[k])
			}
			for _, v := range values {
				switch w.Task {
				case task.Multilabel:
					v = 1 / (1 + math.Exp(1-v))
				case task.Multiclass:
					v = math.Exp(v) / sum
				}
				w.Predictions[m] = append(w.Predictions[m], float32(v))
			}
		}
	}
	return w
}

// Rows returns the blended predictions with their truth, fold by fold, of a point
// without an offset.
func (w *World) Rows(point []float64) metric.Rows {
	y := metric.Rows{Classes: w.Classes, Task: w.Task}
	point = problem.Scaled(point, len(w.Predictions))
	n := w.width()
	for _, r := range w.Order() {
		if w.Task == task.Regression {
			y.Values = append(y.Values, w.Values[r*n:(r+1)*n]...)
		} else {
			y.Labels = append(y.Labels, w.Labels[r])
		}
		for k := range n {
			sum := 0.0
			for m, p := range w.Predictions {
				sum += point[m] * float64(p[r*n+k])
			}
			y.Scores = append(y.Scores, float32(sum))
		}
	}
	return y
}
