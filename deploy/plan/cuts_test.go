package plan_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// writeOOF writes a training table of n rows in folds 0 and 1, and noisy out-of-fold
// predictions of every model.
func writeOOF(t *testing.T, f demodata.Files, dir string, n int) {
	t.Helper()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	table := "id,attribute_ids\n"
	folds := make([]uint8, n)
	for i := range n {
		table += fmt.Sprintf("id%d,%d %d\n", i, i%3, 3+i%7)
		folds[i] = uint8(i % 2)
	}
	put("train.csv", []byte(table))
	var b bytes.Buffer
	if err := npy.WriteUint8(&b, []int{n}, folds); err != nil {
		t.Fatal(err)
	}
	put("folds.npy", b.Bytes())
	classes := len(demodata.Classes)
	for m, model := range f.Models {
		name, err := ensemblefile.ParseName(model)
		if err != nil {
			t.Fatal(err)
		}
		var values []float32
		for i := range n {
			if i%2 != name.Fold {
				continue
			}
			for c := range classes {
				v := -0.4 + 0.5*float32(golden.Uniform(model, i*classes+c))
				if c == i%3 || c == 3+i%7 && m < 2 {
					v += 0.8
				}
				values = append(values, v)
			}
		}
		b.Reset()
		if err := npy.WriteFloat32(&b, []int{len(values) / classes, classes}, values); err != nil {
			t.Fatal(err)
		}
		put(ensemblefile.TrainPrefix+model+".npy", b.Bytes())
	}
}

func TestOutOfFoldPredictionsDecideTheOrderOfCuts(t *testing.T) {
	f, dir := write(t), t.TempDir()
	writeOOF(t, f, dir, 60)
	built, err := build(f, plan.Options{Cuts: true, OOF: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	p := built.Plan
	if !(p.Score > 0.5 && p.Score <= 1) {
		t.Errorf("the plan scores %v", p.Score)
	}
	// Two folds have two views. Then all folds but one go, those of demo_b first.
	if len(p.Cuts) != 5 || p.Cuts[0].Views != 1 || p.Cuts[1].Views != 1 || p.Cuts[2].Model != 1 || p.Cuts[3].Model != 1 {
		t.Errorf("cuts %+v", p.Cuts)
	}
	for _, c := range p.Cuts[2:] {
		if c.Views != 0 || c.Score <= 0 {
			t.Errorf("cut %+v", c)
		}
	}
}

// Offsets of the ensemble and predictions without these offsets give the same score.
func TestThePlanIsScoredWithItsOffsets(t *testing.T) {
	score := func(change func(f demodata.Files, dir string)) float64 {
		f, dir := write(t), t.TempDir()
		writeOOF(t, f, dir, 60)
		change(f, dir)
		built, err := build(f, plan.Options{Cuts: true, OOF: []string{dir}})
		if err != nil {
			t.Fatal(err)
		}
		return built.Plan.Score
	}
	before := score(func(demodata.Files, string) {})
	got := score(func(f demodata.Files, _ string) {
		edit(t, f.Ensemble, "weight: 0.4", "weight: 0.4\n  offset: 0.25\n- class-offsets: {3: 0.125, 9: -0.25}")
	})
	want := score(func(f demodata.Files, dir string) {
		for m, model := range f.Models {
			path := filepath.Join(dir, ensemblefile.TrainPrefix+model+".npy")
			values, shape := readNPY(t, path)
			for i := range values {
				values[i] -= []float32{3: 0.125, 9: -0.25}[i%shape[1]]
				if m < 2 { // the folds of the model with the offset
					values[i] -= 0.25
				}
			}
			var b bytes.Buffer
			if err := npy.WriteFloat32(&b, shape, values); err != nil {
				t.Fatal(err)
			}
			put(t, path, b.String())
		}
	})
	if got != want || got == before {
		t.Errorf("the plan scores %v, want %v; without offsets %v", got, want, before)
	}
}

// Package oof, which blend uses, gives the same scores before and after each cut. A model
// with k of n folds has k/n of its coefficient.
func TestScoresOfCutsEqualBlends(t *testing.T) {
	f, dir := write(t), t.TempDir()
	const rows = 60
	writeOOF(t, f, dir, rows)
	edit(t, f.Ensemble, "weight: 0.4", "weight: 0.4\n  offset: 0.25\n- class-offsets: {3: 0.125, 9: -0.25}")
	built, err := build(f, plan.Options{Cuts: true, OOF: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}

	truth, err := oof.ReadTruth(filepath.Join(dir, oof.LabelsFile), filepath.Join(dir, oof.FoldsFile), labeltable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var first []string // one fold of each model names it
	for _, m := range built.Plan.Models {
		first = append(first, filepath.Join(dir, ensemblefile.TrainPrefix+m.Folds[0].Name+".npy"))
	}
	models, err := oof.FindAll(first, truth.Folds)
	if err != nil {
		t.Fatal(err)
	}
	set, err := oof.Open(truth, models)
	if err != nil {
		t.Fatal(err)
	}
	left := []int{2, 2}
	score := func() float64 {
		mix := oof.Mix{Offsets: []float64{0.25, 0}, ClassOffsets: make([]float64, set.Classes)}
		mix.ClassOffsets[3], mix.ClassOffsets[9] = 0.125, -0.25
		for m, n := range left {
			mix.Coefficients = append(mix.Coefficients, built.Plan.Models[m].Coefficient*float64(n)/2)
		}
		sum := 0.0
		for fold := range truth.Folds {
			err := set.Blend(t.Context(), fold, mix, func(rows []int, values []float32) error {
				y := metric.Rows{Scores: values, Classes: set.Classes}
				for _, r := range rows {
					y.Labels = append(y.Labels, set.Labels[r])
				}
				sum += y.FBeta(0, 2) * float64(len(rows))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return sum / rows
	}
	if got, want := built.Plan.Score, score(); math.Abs(got-want) > 1e-9 {
		t.Errorf("the plan scores %v, blend says %v", got, want)
	}
	for _, c := range built.Plan.Cuts {
		if c.Views > 0 {
			continue
		}
		left[c.Model]--
		if want := score(); math.Abs(c.Score-want) > 1e-9 {
			t.Errorf("with %v folds left the score is %v, blend says %v", left, c.Score, want)
		}
	}
}

func readNPY(t *testing.T, path string) ([]float32, []int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values, shape, err := npy.ReadFloat32(f)
	if err != nil {
		t.Fatal(err)
	}
	return values, shape
}

func TestWithoutOutOfFoldPredictionsCoefficientsDecide(t *testing.T) {
	for _, missing := range []string{"train.csv", "folds.npy", "level1_train_demo_b_f0_e05_0.6301.npy"} {
		f, dir := write(t), t.TempDir()
		writeOOF(t, f, dir, 60)
		if err := os.Remove(filepath.Join(dir, missing)); err != nil {
			t.Fatal(err)
		}
		var warnings []string
		built, err := build(f, plan.Options{Cuts: true, OOF: []string{dir}, Warn: func(s string) { warnings = append(warnings, s) }})
		if err != nil {
			t.Fatal(err)
		}
		if want := "no out-of-fold data: members will be cut by coefficient (add --oof DIR); missing: " + missing; len(warnings) != 1 || warnings[0] != want {
			t.Errorf("warnings %q", warnings)
		}
		if built.Plan.Score != 0 || len(built.Plan.Cuts) != 5 {
			t.Errorf("score %v, cuts %+v", built.Plan.Score, built.Plan.Cuts)
		}
	}
}

func TestPredictionsOfAnotherTableAreRefused(t *testing.T) {
	f, dir := write(t), t.TempDir()
	writeOOF(t, f, dir, 60)
	other := t.TempDir()
	writeOOF(t, f, other, 40)
	name := ensemblefile.TrainPrefix + f.Models[1] + ".npy"
	data, err := os.ReadFile(filepath.Join(other, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = build(f, plan.Options{Cuts: true, OOF: []string{dir}})
	if want := filepath.Join(dir, name) + ": shape [20 10]; the fold has 30 rows of 10 columns"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
