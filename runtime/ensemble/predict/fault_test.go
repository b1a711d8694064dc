package predict_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

const (
	plainFold = "datasets/owner/weights/m0_f0_e1_0.5.safetensors"
	encFold   = "datasets/owner/weights/m0_f1_e1_0.5.safetensors.enc"
)

// change replaces the contents of a file.
func (w *world) change(t *testing.T, name string, with func([]byte) []byte) {
	t.Helper()
	w.Write(t, name, with([]byte(read(t, w.Path(name)))))
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		b[(at+len(b))%len(b)] ^= 1
		return b
	}
}

func cut(b []byte) []byte { return b[:len(b)-1] }

// The errors name the file, and nothing is written.
func TestFaultsAreReportedBeforeTheFirstPrediction(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*testing.T, *world, *predict.Options)
		want  []string
	}{
		{"a missing model", func(t *testing.T, w *world, _ *predict.Options) {
			must(t, os.Remove(w.Path(plainFold)))
			must(t, os.Remove(w.Path(encFold)))
		}, []string{"missing under ROOT: the weights of 2 of 5 folds: m0_f0_e1_0.5, m0_f1_e1_0.5"}},
		{"a truncated model", func(t *testing.T, w *world, _ *predict.Options) {
			w.change(t, plainFold, cut)
		}, []string{plainFold, "bytes of weights, but this plan was made with"}},
		{"a truncated encrypted model", func(t *testing.T, w *world, _ *predict.Options) {
			w.change(t, encFold, cut)
		}, []string{encFold, crypt.ErrAuth.Error()}},
		{"a wrong key", func(t *testing.T, _ *world, o *predict.Options) {
			key, err := crypt.NewKey()
			must(t, err)
			o.Key = &key
		}, []string{encFold, crypt.ErrAuth.Error()}},
		{"no key", func(_ *testing.T, _ *world, o *predict.Options) { o.Key = nil }, []string{encFold, "encrypted, and there is no key"}},
		{"no sample", func(t *testing.T, w *world, _ *predict.Options) {
			must(t, os.Remove(w.Path("competitions/c/sample_submission.csv")))
		}, []string{"no sample_submission.csv under ROOT"}},
		{"a broken sample", func(t *testing.T, w *world, _ *predict.Options) {
			w.Write(t, "competitions/c/sample_submission.csv", []byte("id,attribute_ids\na\n"))
		}, []string{"ROOT/competitions/c/sample_submission.csv:2: fields in the row: 1; in the header: 2"}},
		{"a sample of masks", func(t *testing.T, w *world, _ *predict.Options) {
			w.Write(t, "competitions/c/sample_submission.csv", []byte("image_id,rle\na,4\n"))
		}, []string{"sample_submission.csv: its column \"rle\" is one of masks or boxes, which are not supported"}},
		{"a sample of another form", func(t *testing.T, w *world, _ *predict.Options) {
			w.Plan.Form = input.Form{Answer: input.Labels, Header: []string{"id", "tags"}, Field: 1, Separator: " "}
		}, []string{"sample_submission.csv: it has the columns \"id\", \"attribute_ids\", not \"id\", \"tags\"", "in the column \"tags\"; the sample: "}},
		{"a sample of labels for an ensemble without thresholds", func(t *testing.T, w *world, _ *predict.Options) {
			w.Plan.Metric = "roc-auc"
		}, []string{"the submission has the classes above their thresholds, but test was blended for the metric roc-auc"}},
		{"coefficients without a mean", func(t *testing.T, w *world, _ *predict.Options) {
			w.Write(t, "competitions/c/sample_submission.csv", []byte("image_id,label\na,4\n"))
			for i := range w.Plan.Models {
				w.Plan.Models[i].Coefficient *= -1
			}
		}, []string{"the submission has weighted means, but the coefficients of test sum to -1.4"}},
		{"a sample of probabilities", func(t *testing.T, w *world, _ *predict.Options) {
			w.Write(t, "competitions/c/sample_submission.csv", []byte("image_id,target\na,0.5\n"))
		}, []string{"sample_submission.csv:2: its column \"target\" has one number for each image, such as a probability, but the ensemble has 7 classes"}},
		{"a sample of columns", func(t *testing.T, w *world, _ *predict.Options) {
			w.Write(t, "competitions/c/sample_submission.csv", []byte("image_id,a,b\na,0.5,0.5\n"))
			w.Write(t, "competitions/c/test.csv", []byte("image_id\na\n"))
		}, []string{"it has 2 columns after the id, but the ensemble has 7 classes", "the header \"image_id,a,b\", then \"a,0.5,0.5\""}},
		{"a folder of other images", func(t *testing.T, w *world, o *predict.Options) {
			o.Images = w.Path("datasets")
		}, []string{"none of the 6 images of ROOT/competitions/c/sample_submission.csv is under ROOT/datasets"}},
		{"an image folder that is not there", func(_ *testing.T, w *world, o *predict.Options) {
			o.Images = w.Path("nowhere")
		}, []string{"the folder of the images: ", "stat ROOT/nowhere"}},
		{"no input", func(_ *testing.T, w *world, o *predict.Options) { o.Input = w.Path("nowhere") }, []string{"input root: stat ROOT/nowhere"}},
		{"an unwritable output", func(_ *testing.T, _ *world, o *predict.Options) {
			o.Output = filepath.Join(filepath.Dir(o.Output), "nowhere", "submission.csv")
		}, []string{"creating ", "nowhere/submission.csv: no such file or directory"}},
		{"an output that is a folder", func(_ *testing.T, _ *world, o *predict.Options) { o.Output = filepath.Dir(o.Output) }, []string{"it is a folder"}},
		{"an unknown architecture", func(_ *testing.T, w *world, _ *predict.Options) {
			w.Plan.Models[0].Arch = "tiiny"
		}, []string{`model m0: unknown architecture "tiiny" (known: tiny)`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 6)
			o := w.options(t.TempDir())
			out := filepath.Dir(o.Output)
			c.fault(t, w, &o)
			predict.SetLoad(&o, func(arch.Arch, *ensemble.Model, []byte, int) (predict.Network, error) {
				t.Error("a network was made")
				return nil, errors.New("no")
			})
			_, err := predict.Run(context.Background(), w.Plan, o)
			if err == nil {
				t.Fatal("no error")
			}
			text := strings.ReplaceAll(err.Error(), w.Root, "ROOT")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("got %s, want %s", text, want)
				}
			}
			isEmpty(t, out)
		})
	}
}

func isEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		t.Errorf("%s was written", e.Name())
	}
}

func TestADamagedModelStopsTheRunOrIsLeftOut(t *testing.T) {
	for _, c := range []struct{ file, fold, want string }{
		{plainFold, "m0_f0_e1_0.5", "not the weights that this plan was made with"},
		{"datasets/owner/weights/m2_f1_e1_0.5.safetensors.enc", "m2_f1_e1_0.5", crypt.ErrAuth.Error()},
	} {
		w := newWorld(t, 6)
		w.change(t, c.file, flip(-100))
		o := w.options(t.TempDir())
		_, err := predict.Run(context.Background(), w.Plan, o)
		if err == nil || !strings.Contains(err.Error(), w.Path(c.file)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.file, err)
		}
		got, s := w.predict(t, func(o *predict.Options) { o.Partial = true })
		if len(s.Dropped) != 1 || !strings.HasPrefix(s.Dropped[0], c.fold+": ") || s.Folds != 4 {
			t.Errorf("%s: %+v", c.file, s)
		}
		if want, _ := w.without(c.fold).predict(t, nil); got != want {
			t.Errorf("%s: not the submission of the other folds", c.file)
		}
	}
}

// without returns the world with a plan that lacks a fold.
func (w *world) without(fold string) *world {
	p := *w.Plan
	p.Models = nil
	for _, m := range w.Plan.Models {
		var folds []ensemble.Fold
		for _, f := range m.Folds {
			if f.Name != fold {
				folds = append(folds, f)
			}
		}
		if m.Folds = folds; len(folds) > 0 {
			p.Models = append(p.Models, m)
		}
	}
	other := *w
	other.Plan = &p
	return &other
}

func TestPartialGoesOnWithoutWhatIsMissing(t *testing.T) {
	w := newWorld(t, 6)
	want, _ := w.without("m0_f0_e1_0.5").predict(t, nil)
	must(t, os.Remove(w.Path(plainFold)))
	var log strings.Builder
	got, s := w.predict(t, func(o *predict.Options) { o.Partial, o.Log = true, &log })
	if got != want || len(s.Dropped) != 1 || s.Folds != 4 {
		t.Errorf("another submission, %+v", s)
	}
	if !strings.Contains(log.String(), "kernel: warning: going on without m0_f0_e1_0.5: not found") {
		t.Errorf("told:\n%s", log.String())
	}
	must(t, os.RemoveAll(w.Path("datasets")))
	o := w.options(t.TempDir())
	o.Partial = true
	if _, err := predict.Run(context.Background(), w.Plan, o); err == nil || err.Error() != "none of the plan's 5 weight files can be used" {
		t.Errorf("without any weights: %v", err)
	}
}

func TestWeightsOfAnotherNetworkAreRefused(t *testing.T) {
	w := newWorld(t, 3)
	other := ensembletest.Tiny
	build := ensembletest.Tiny.Build
	other.Build = func(c arch.Config) (*nn.Graph, error) { c.Classes++; return build(c) }
	o := w.options(t.TempDir())
	o.Archs = []arch.Arch{other}
	_, err := predict.Run(context.Background(), w.Plan, o)
	if err == nil || !strings.Contains(err.Error(), "m0_f0_e1_0.5: ") || !strings.Contains(err.Error(), "output.") {
		t.Errorf("got %v", err)
	}
	isEmpty(t, filepath.Dir(o.Output))
}

func TestANetworkWhoseOutputIsNotFiniteIsRefused(t *testing.T) {
	w := newWorld(t, 3)
	o := w.options(t.TempDir())
	predict.SetLoad(&o, func(arch.Arch, *ensemble.Model, []byte, int) (predict.Network, error) {
		return predict.PredictFunc(func(_ context.Context, _, logits []float32) error {
			for i := range logits {
				logits[i] = 0
				logits[i] /= logits[i]
			}
			return nil
		}), nil
	})
	if _, err := predict.Run(context.Background(), w.Plan, o); err == nil || !strings.Contains(err.Error(), "not a finite number") {
		t.Errorf("got %v", err)
	}
	isEmpty(t, filepath.Dir(o.Output))
}

func TestAnInterruptedRunLeavesTheFinishedFolds(t *testing.T) {
	w := newWorld(t, 6)
	o := w.options(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	predict.SetLoad(&o, func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (predict.Network, error) {
		if n++; n == 2 {
			cancel()
		}
		return predict.LoadNetwork(a, m, data, threads)
	})
	if _, err := predict.Run(ctx, w.Plan, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.labels(t, read(t, o.Output))
	entries, err := os.ReadDir(filepath.Dir(o.Output))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("%d files are left", len(entries))
	}
}

func TestASampleOfEveryKindIsAnswered(t *testing.T) {
	w := newWorld(t, 4)
	want, _ := w.predict(t, nil)
	sample := "competitions/c/sample_submission.csv"
	text := read(t, w.Path(sample))
	for name, other := range map[string]string{
		"CRLF":        strings.ReplaceAll(text, "\n", "\r\n"),
		"BOM":         "\xef\xbb\xbf" + text,
		"blank lines": strings.ReplaceAll(text, "\n", "\n \n\n"),
	} {
		w.Write(t, sample, []byte(other))
		if got, _ := w.predict(t, nil); got != want {
			t.Errorf("%s: another submission:\n%s", name, got)
		}
	}
	// Every row of a repeated id is answered.
	w.Write(t, sample, []byte(text+w.IDs[0]+",5\n"+w.IDs[2]+",\n"))
	rows := strings.SplitAfter(want, "\n")
	if got, s := w.predict(t, nil); got != want+rows[1]+rows[3] || s.Images != 4 {
		t.Errorf("ids twice, %d images:\n%s", s.Images, got)
	}
	w.Plan.Fallback = []int{1}
	w.Write(t, sample, []byte(text+"none,3\n"))
	if got, s := w.predict(t, nil); got != want+"none,1\n" || len(s.Unreadable) != 1 {
		t.Errorf("an id without image:\n%s", got)
	}
	// The sample whose images exist is taken.
	w.Write(t, "a/sample_submission.csv", []byte("id,attribute_ids\nnone,1\n"))
	w.Write(t, sample, []byte(text))
	must(t, os.Rename(w.Path("competitions"), w.Path("b")))
	if got, _ := w.predict(t, nil); got != want {
		t.Errorf("two samples:\n%s", got)
	}
}

func TestAFullDiskIsReportedAndLeavesNoPartialFile(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() { unmount(dir) })
	must(t, os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 4096), 0o644))
	w := newWorld(t, 6)
	o := w.options(dir)
	o.Scratch = filepath.Join(dir, "scratch")
	var log strings.Builder
	o.Log = &log
	_, err := predict.Run(context.Background(), w.Plan, o)
	if want := "writing " + o.Output + ": no space left on device"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if !strings.Contains(log.String(), "a restart will begin anew: ") {
		t.Errorf("told:\n%s", log.String())
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if e.Name() != "filler" && e.Name() != "scratch" {
			t.Errorf("%s is left", e.Name())
		}
	}
}
