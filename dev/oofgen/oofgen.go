// Package oofgen makes out-of-fold predictions of simulated models for tests and
// benchmarks of blending. The models have correlated errors and different strengths. The
// labels are real or random.
//
//	truth, err := oofgen.ReadTruth("train.csv", "folds.npy", 1)
//	files, err := oofgen.Generate(ctx, "out", truth, oofgen.Options{Models: 7, Seed: 1})
//
// It writes level1_train_<model>.npy, <model>.yml with the threshold, train.csv
// and folds.npy. The same truth and seed give the same bytes.
//
// # The models
//
// The evidence of model m for class c of row r is
//
//	z = d_m y + a_c + sqrt(q) shared(r, c) + sqrt(1-q) own(m, r, c)
//
// y is 1 for a true label, else 0. d_m is the strength of the model, a_c the effect of the
// class. shared and own are normal deviates, shared by all models or the model's own. q is
// the correlation of the models' errors.
//
// The model predicts sigmoid(k_m (z-z0) + logit(t)) - t with the confidence k_m and the
// threshold t. It gives the label if z > z0.
package oofgen

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"golang.org/x/sync/errgroup"
)

// Options say which models to simulate.
type Options struct {
	Models int
	Seed   uint64
}

const (
	sharedPart = 0.82 // q
	cut        = 2.25 // z0
)

// model holds the parameters of a simulated model.
type model struct {
	name                 string
	strength, confidence float64
	threshold            float64
	seed                 uint64
}

func models(o Options) []model {
	var list []model
	for m := range o.Models {
		u := func(k int) float64 { return uniform(mix(o.Seed, uint64(m), uint64(k)+100)) }
		list = append(list, model{
			name:       fmt.Sprintf("m%02d", m),
			strength:   3.15 + 0.15*u(0),
			confidence: 1.4 + 0.8*u(1),
			threshold:  0.12 + 0.1*u(2),
			seed:       mix(o.Seed, uint64(m), 1),
		})
	}
	return list
}

// Generate makes the folder dir and writes the files. It returns the paths of the
// predictions of fold 0, one for each model.
func Generate(ctx context.Context, dir string, truth *Truth, o Options) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := truth.write(filepath.Join(dir, "train.csv"), filepath.Join(dir, "folds.npy")); err != nil {
		return nil, err
	}
	folds := map[uint8][]int{}
	for i, f := range truth.Folds {
		folds[f] = append(folds[f], i)
	}
	g := &generator{dir: dir, truth: truth, seed: mix(o.Seed, 0, 0), effects: effects(truth, o.Seed)}
	list := models(o)
	first := make([]string, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range list {
		for fold := range len(folds) {
			group.Go(func() error {
				path, err := g.write(ctx, m, fold, folds[uint8(fold)])
				if fold == 0 {
					first[i] = path
				}
				return err
			})
		}
	}
	return first, group.Wait()
}

// generator holds the values that all files of one Generate share.
type generator struct {
	dir     string
	truth   *Truth
	seed    uint64
	effects []float64 // a_c
}

// effects returns a_c, which is larger for frequent classes.
func effects(t *Truth, seed uint64) []float64 {
	n := make([]float64, t.Classes)
	for _, labels := range t.Labels {
		for _, l := range labels {
			n[l]++
		}
	}
	out := make([]float64, t.Classes)
	for c := range out {
		out[c] = 0.1*math.Log((n[c]+1)/(float64(len(t.Labels))/100+1)) + 0.15*normal(mix(seed, uint64(c), 2))
		out[c] = min(max(out[c], -0.6), 0.5)
	}
	return out
}

// write writes the predictions of a model for the rows of a fold.
func (g *generator) write(ctx context.Context, m model, fold int, rows []int) (string, error) {
	temporary := filepath.Join(g.dir, fmt.Sprintf(".%s_f%d.npy", m.name, fold))
	f, err := os.Create(temporary)
	if err != nil {
		return "", err
	}
	defer os.Remove(temporary)
	defer f.Close()
	if err := npy.WriteHeader(f, npy.Header{DType: npy.Float32, Shape: []int{len(rows), g.truth.Classes}}); err != nil {
		return "", err
	}
	row := make([]float32, g.truth.Classes)
	isTrue := make([]float64, g.truth.Classes)
	score := 0.0
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		g.row(row, isTrue, m, r)
		one := metric.Rows{Scores: row, Labels: g.truth.Labels[r : r+1], Classes: g.truth.Classes}
		score += one.FBeta(0, 2)
		if err := npy.AppendFloat32s(f, row); err != nil {
			return "", err
		}
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	epoch := 10 + mix(m.seed, uint64(fold), 3)%20
	name := fmt.Sprintf("%s_f%d_e%02d_%.4f", m.name, fold, epoch, score/float64(len(rows)))
	yml := fmt.Sprintf("threshold: %v\n", m.threshold)
	if err := atomicfile.WriteFile(filepath.Join(g.dir, name+".yml"), []byte(yml)); err != nil {
		return "", err
	}
	path := filepath.Join(g.dir, "level1_train_"+name+".npy")
	return path, os.Rename(temporary, path)
}

// row computes the predictions of a row; isTrue is scratch, zero.
func (g *generator) row(dst []float32, isTrue []float64, m model, r int) {
	for _, l := range g.truth.Labels[r] {
		isTrue[l] = m.strength
	}
	shared, own := mix(g.seed, uint64(r), 4), mix(m.seed, uint64(r), 5)
	a, b := math.Sqrt(sharedPart), math.Sqrt(1-sharedPart)
	logit := math.Log(m.threshold / (1 - m.threshold))
	for c := range dst {
		z := isTrue[c] + g.effects[c] + a*normal(next(shared, c)) + b*normal(next(own, c))
		dst[c] = float32(1/(1+math.Exp(-m.confidence*(z-cut)-logit)) - m.threshold)
	}
	for _, l := range g.truth.Labels[r] {
		isTrue[l] = 0
	}
}
