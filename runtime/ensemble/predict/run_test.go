package predict_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// naive predicts with a fold, one image and one view at a time.
func (w *world) naive(t *testing.T, m ensemble.Model, f ensemble.Fold) []float32 {
	t.Helper()
	data := ensembletest.WeightFile(t, ensembletest.Tiny, m, f.Name)
	file, err := weights.Open(strings.NewReader(string(data)), int64(len(data)))
	must(t, err)
	g, err := ensembletest.Tiny.Build(arch.Config{InputSize: m.InputSize, Classes: m.Classes})
	must(t, err)
	e, err := engine.Compile(g, file, engine.Options{Threads: 1})
	must(t, err)
	pre := vision.Preprocess{Size: m.InputSize, Mean: ensembletest.Tiny.Mean, Std: ensembletest.Tiny.Std}
	var out []float32
	decoder := vision.Decoder{Formats: formats.All()}
	for _, id := range w.IDs {
		img, err := decoder.DecodeFile(w.Path("competitions/c/test/" + id + ".png"))
		must(t, err)
		mean := make([]float64, ensembletest.Classes)
		for v := range m.Views {
			pixels, logits := make([]float32, 3*m.InputSize*m.InputSize), make([]float32, ensembletest.Classes)
			pre.View(img, v, pixels, nil)
			must(t, e.Predict(context.Background(), pixels, logits))
			for c, x := range logits {
				mean[c] += 1 / (1 + math.Exp(-float64(x))) / float64(m.Views)
			}
		}
		for _, p := range mean {
			out = append(out, float32(p-f.Threshold))
		}
	}
	return out
}

func TestTheSubmissionIsTheWeightedSumOfAllFolds(t *testing.T) {
	w := newWorld(t, 23)
	dir := t.TempDir()
	got, s := w.predict(t, func(o *predict.Options) { o.Predictions = dir })
	if s.Images != 23 || s.Folds != 5 || len(s.Dropped)+len(s.Reduced)+len(s.Unreadable) > 0 {
		t.Errorf("summary %+v", s)
	}
	total := make([]float64, 23*ensembletest.Classes)
	for _, m := range w.Plan.Models {
		for _, f := range m.Folds {
			want := w.naive(t, m, f)
			file, err := os.Open(filepath.Join(dir, "level1_test_"+f.Name+".npy"))
			must(t, err)
			defer file.Close()
			have, shape, err := npy.ReadFloat32(file)
			must(t, err)
			if !slices.Equal(shape, []int{23, ensembletest.Classes}) {
				t.Fatalf("%s has shape %v", f.Name, shape)
			}
			for i := range want {
				if math.Abs(float64(want[i]-have[i])) > 1e-6 {
					t.Fatalf("%s: value %d is %v, want %v", f.Name, i, have[i], want[i])
				}
				total[i] += m.Coefficient * float64(have[i])
			}
		}
	}
	given := 0
	for i, labels := range w.labels(t, got) {
		var want []string
		for c := range ensembletest.Classes {
			if total[i*ensembletest.Classes+c] > 0 {
				want = append(want, fmt.Sprint(c))
				given++
			}
		}
		if labels != strings.Join(want, " ") {
			t.Errorf("row %d has %q, want %q", i, labels, want)
		}
	}
	if given == 0 || given == len(total) {
		t.Errorf("%d of %d labels given: this tests nothing", given, len(total))
	}
}

// writer is a function that is an io.Writer.
type writer func(text string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

// This holds if folds are missing or a run resumes, too.
func TestClassOffsetsAreSubtractedFromEveryFold(t *testing.T) {
	w := newWorld(t, 23)
	before, _ := w.predict(t, nil)
	w.Plan.ClassOffsets = make([]float64, ensembletest.Classes)
	for c := range w.Plan.ClassOffsets {
		w.Plan.ClassOffsets[c] = 0.2*float64(c)/ensembletest.Classes - 0.1
	}
	check := func(what string, got string, without ensemble.Fold) {
		t.Helper()
		total := make([]float64, 23*ensembletest.Classes)
		for _, m := range w.Plan.Models {
			for _, f := range m.Folds {
				if f.Name == without.Name {
					continue
				}
				for i, p := range w.naive(t, m, f) {
					total[i] += m.Coefficient * (float64(p) - w.Plan.ClassOffsets[i%ensembletest.Classes])
				}
			}
		}
		for i, labels := range w.labels(t, got) {
			var want []string
			for c := range ensembletest.Classes {
				if total[i*ensembletest.Classes+c] > 0 {
					want = append(want, fmt.Sprint(c))
				}
			}
			if labels != strings.Join(want, " ") {
				t.Errorf("%s: row %d has %q, want %q", what, i, labels, want)
			}
		}
	}
	scratch := filepath.Join(t.TempDir(), "s")
	got, _ := w.predict(t, nil)
	check("all folds", got, ensemble.Fold{})
	if got == before {
		t.Error("the offsets change nothing: this tests nothing")
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := w.options(t.TempDir())
	o.Scratch, o.Log = scratch, writer(func(text string) {
		if strings.Contains(text, "2 of 5: ") {
			cancel()
		}
	})
	if _, err := predict.Run(ctx, w.Plan, o); err == nil {
		t.Fatal("the run was not interrupted")
	}
	again, s := w.predict(t, func(o *predict.Options) { o.Scratch = scratch })
	if again != got || s.Resumed == 0 {
		t.Errorf("%d folds were resumed; the submission is the same: %v", s.Resumed, again == got)
	}
	gone := w.Plan.Models[0].Folds[0]
	must(t, os.Remove(w.Path("datasets/owner/weights/"+gone.Name+".safetensors")))
	got, _ = w.predict(t, func(o *predict.Options) { o.Partial = true })
	check("without a fold", got, gone)
}

func TestTheSubmissionDependsOnNothingElse(t *testing.T) {
	w := newWorld(t, 23)
	want, _ := w.predict(t, nil)
	for name, change := range map[string]func(*predict.Options){
		"one thread":     func(o *predict.Options) { o.Threads = 1 },
		"five threads":   func(o *predict.Options) { o.Threads = 5 },
		"batches of 1":   func(o *predict.Options) { o.Batch = 1 },
		"batches of 100": func(o *predict.Options) { o.Batch = 100 },
		"scratch":        func(o *predict.Options) { o.Scratch = filepath.Join(t.TempDir(), "s") },
		"named folders": func(o *predict.Options) {
			o.Images = w.Path("competitions/c/test")
			o.Sample = w.Path("competitions/c/sample_submission.csv")
		},
	} {
		if got, _ := w.predict(t, change); got != want {
			t.Errorf("%s: another submission", name)
		}
	}
	slices.Reverse(w.Plan.Models)
	if got, _ := w.predict(t, nil); got != want {
		t.Error("models in another order: another submission")
	}
	w.Write(t, "keys/deploy.key", []byte(w.Key.Text()+"\n"))
	if got, _ := w.predict(t, func(o *predict.Options) { o.Key = nil }); got != want {
		t.Error("the key in the input: another submission")
	}
}

func TestLimitPredictsTheFirstImages(t *testing.T) {
	w := newWorld(t, 9)
	all, _ := w.predict(t, nil)
	some, s := w.predict(t, func(o *predict.Options) { o.Limit = 4 })
	if !strings.HasPrefix(all, some) || strings.Count(some, "\n") != 5 || s.Images != 4 {
		t.Errorf("limited to 4:\n%s", some)
	}
}

func TestWeightsAreFoundUnderAnyNameByTheirHash(t *testing.T) {
	w := newWorld(t, 5)
	want, _ := w.predict(t, nil)
	dir := "datasets/owner/weights/"
	rename := func(from, to string) {
		must(t, os.MkdirAll(filepath.Dir(w.Path(to)), 0o755))
		must(t, os.Rename(w.Path(from), w.Path(to)))
	}
	rename(dir+"m0_f0_e1_0.5.safetensors", dir+"renamed.safetensors")
	rename(dir+"m0_f1_e1_0.5.safetensors.enc", dir+"x.bin.enc")
	// A file of the right name and size with other weights is ignored.
	rename(dir+"m1_f0_e1_0.5.safetensors", "deep/down/m1_f0_e1_0.5.safetensors")
	w.Write(t, "m1_f0_e1_0.5.safetensors", []byte(read(t, w.Path(dir+"m2_f0_e1_0.5.safetensors"))))
	if got, s := w.predict(t, nil); got != want || s.Folds != 5 {
		t.Errorf("another submission, %+v", s)
	}
}

func TestAnUnreadableImageGetsTheDefaultLabels(t *testing.T) {
	w := newWorld(t, 12)
	w.Plan.Fallback = []int{2, 5}
	before := w.labels(t, first(w.predict(t, nil)))
	images := "competitions/c/test/"
	whole := read(t, w.Path(images+w.IDs[3]+".png"))
	w.Write(t, images+w.IDs[3]+".png", []byte(whole[:20]))
	damaged := read(t, w.Path(images+w.IDs[7]+".png"))
	w.Write(t, images+w.IDs[7]+".png", []byte(damaged[:len(damaged)-20])) // without its last row
	w.Write(t, images+w.IDs[5]+".png", nil)
	must(t, os.Remove(w.Path(images+w.IDs[8]+".png")))
	var log strings.Builder
	dir := t.TempDir()
	got, s := w.predict(t, func(o *predict.Options) { o.Log, o.Predictions = &log, dir })
	bad := []int{3, 5, 8}
	for i, labels := range w.labels(t, got) {
		want := before[i]
		if slices.Contains(bad, i) {
			want = "2 5"
			if !strings.Contains(log.String(), "image "+w.IDs[i]+" gets the default labels: ") {
				t.Errorf("nothing told of %s:\n%s", w.IDs[i], log.String())
			}
		}
		if labels != want && i != 7 {
			t.Errorf("row %d has %q, want %q", i, labels, want)
		}
	}
	if want := `3 of 12 rows have no prediction; they get the labels "2 5", the best constant answer of the training table`; !strings.Contains(log.String(), want) {
		t.Errorf("told:\n%s", log.String())
	}
	if !slices.Equal(s.Unreadable, []string{w.IDs[3], w.IDs[5], w.IDs[8]}) || s.Defaults != 3 {
		t.Errorf("unreadable %q", s.Unreadable)
	}
	if !slices.Equal(s.Damaged, []string{w.IDs[7]}) || strings.Count(log.String(), "1 damaged images are predicted as far as they can be decoded: "+w.IDs[7]) != 1 {
		t.Errorf("damaged %q\n%s", s.Damaged, log.String())
	}
	f, err := os.Open(filepath.Join(dir, "level1_test_m1_f0_e1_0.5.npy"))
	must(t, err)
	defer f.Close()
	values, _, err := npy.ReadFloat32(f)
	must(t, err)
	if v := values[5*ensembletest.Classes]; v != -0.45 {
		t.Errorf("the prediction of an unreadable image is %v", v)
	}
}

func first[A, B any](a A, _ B) A { return a }
