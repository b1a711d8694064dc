package predict_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// writeSample writes a sample of four forms for the world's images: a column or a row for
// each class, one column for a class, and one label.
func (w *world) writeSample(t testing.TB, form string) {
	t.Helper()
	var b strings.Builder
	switch form {
	case "columns":
		b.WriteString("id,x6,x5,x4,x3,x2,x1,x0\n")
	case "rows":
		b.WriteString("id,probability\n")
	case "class column":
		b.WriteString("id,class,probability\n")
	case "label":
		b.WriteString("id,label\n")
	}
	for _, id := range w.IDs {
		switch form {
		case "columns":
			b.WriteString(id + ",0.1,0.1,0.1,0.1,0.1,0.1,0.1\n")
		case "label":
			b.WriteString(id + ",3\n")
		default:
			for c := ensembletest.Classes - 1; c >= 0; c-- {
				fmt.Fprintf(&b, "%s%s%d,0.1\n", id, map[string]string{"rows": "_", "class column": ","}[form], c)
			}
		}
	}
	w.Write(t, samplePath, []byte(b.String()))
}

// means returns the weighted means of the plain predictions in the .npy files of a folder.
func (w *world) means(t testing.TB, dir string) [][]float64 {
	t.Helper()
	means := make([][]float64, len(w.IDs))
	total := 0.0
	for _, m := range w.Plan.Models {
		for _, f := range m.Folds {
			file, err := os.Open(filepath.Join(dir, "level1_test_"+f.Name+".npy"))
			must(t, err)
			values, shape, err := npy.ReadFloat32(file)
			must(t, err)
			must(t, file.Close())
			if shape[0] != len(w.IDs) || shape[1] != ensembletest.Classes {
				t.Fatalf("%s: shape %v", f.Name, shape)
			}
			total += m.Coefficient
			for i := range means {
				if means[i] == nil {
					means[i] = make([]float64, ensembletest.Classes)
				}
				for c := range means[i] {
					means[i][c] += m.Coefficient * (float64(values[i*ensembletest.Classes+c]) + f.Threshold)
				}
			}
		}
	}
	for _, row := range means {
		for c := range row {
			row[c] = min(max(row[c]/total, 0), 1)
		}
	}
	return means
}

func TestValuesAreTheMeansOfThePlainPredictions(t *testing.T) {
	w := newWorld(t, 3)
	for _, form := range []string{"columns", "rows", "class column", "label"} {
		w.writeSample(t, form)
		dir := t.TempDir()
		got, _ := w.predict(t, func(o *predict.Options) { o.Predictions = dir })
		means := w.means(t, dir)
		sample := strings.Split(strings.TrimSpace(read(t, w.Path(samplePath))), "\n")
		lines := strings.Split(strings.TrimSpace(got), "\n")
		if len(lines) != len(sample) || lines[0] != sample[0] {
			t.Fatalf("%s:\n%s", form, got)
		}
		for i, line := range lines[1:] {
			fields := strings.Split(line, ",")
			cell := func(text string, image, c int) {
				x, err := strconv.ParseFloat(text, 64)
				if err != nil || math.Abs(x-means[image][c]) > 1e-6 {
					t.Errorf("%s: line %d, class %d: %s, want %g", form, i+2, c, text, means[image][c])
				}
			}
			switch form {
			case "columns":
				for k, text := range fields[1:] {
					cell(text, i, ensembletest.Classes-1-k)
				}
			case "label":
				best := 0
				for c, x := range means[i] {
					if x > means[i][best] {
						best = c
					}
				}
				if fields[1] != strconv.Itoa(best) {
					t.Errorf("line %d: %s, want %d of %v", i+2, fields[1], best, means[i])
				}
			default:
				cell(fields[len(fields)-1], i/ensembletest.Classes, ensembletest.Classes-1-i%ensembletest.Classes)
				if before := strings.Split(sample[i+1], ","); strings.Join(fields[:len(fields)-1], ",") != strings.Join(before[:len(before)-1], ",") {
					t.Errorf("line %d: %s for %s", i+2, line, sample[i+1])
				}
			}
		}
	}
}

// Before the hidden run there may be no images: the rows have the default answer.
func TestWithoutImagesEveryFormHasItsDefault(t *testing.T) {
	for _, c := range []struct {
		form  string
		prior []float32
		told  string
		last  string // the last row, without its id
	}{
		{"columns", nil, "the means of the sample", ",0.1,0.1,0.1,0.1,0.1,0.1,0.1"},
		{"columns", []float32{0.5, 0.25, 0, 0, 0, 0, 1}, "the means of the training table", ",1,0,0,0,0,0.25,0.5"},
		{"rows", nil, "the means of the sample", "_0,0.1"},
		{"rows", []float32{0.5, 0.25, 0, 0, 0, 0, 1}, "the means of the training table", "_0,0.5"},
		{"class column", nil, "the means of the sample", ",0,0.1"},
		{"label", nil, "the labels of the sample, or class 0", ",3"},
		{"label", []float32{0.5, 0.25, 0, 0, 0, 0, 1}, `the labels "6", the most frequent ones of the training table`, ",6"},
	} {
		w := newWorld(t, 2)
		w.writeSample(t, c.form)
		w.Plan.Prior = c.prior
		must(t, os.RemoveAll(w.Path("competitions/c/test")))
		var log strings.Builder
		got, s := w.predict(t, func(o *predict.Options) { o.Log = &log })
		rows := strings.Count(read(t, w.Path(samplePath)), "\n") - 1
		if !strings.HasSuffix(got, w.IDs[1]+c.last+"\n") || s.Defaults != rows || !strings.Contains(log.String(), c.told) {
			t.Errorf("%s: %+v\n%s%s", c.form, s, got, log.String())
		}
	}
}

// A limit counts images, not rows: an image may have several rows.
func TestALimitKeepsWholeImages(t *testing.T) {
	w := newWorld(t, 3)
	w.writeSample(t, "rows")
	got, s := w.predict(t, func(o *predict.Options) { o.Limit = 2 })
	if n := strings.Count(got, "\n") - 1; n != 2*ensembletest.Classes || s.Images != 2 {
		t.Errorf("%d rows, %+v", n, s)
	}
}
