package predict_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

const samplePath = "competitions/c/sample_submission.csv"

// Before the hidden run, a code competition shows no test images, or a sample submission
// without rows.
func TestWithoutImagesEveryRowGetsTheDefaultLabels(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(*testing.T, *world)
		known     []int
		told      string
		wantRows  string
		wantCount int
	}{
		{"an empty folder", func(t *testing.T, w *world) {
			must(t, os.RemoveAll(w.Path("competitions/c/test")))
			must(t, os.Mkdir(w.Path("competitions/c/test"), 0o755))
		}, []int{2, 5}, "none of the 4 images of ", "2 5", 4},
		{"no folder", func(t *testing.T, w *world) {
			must(t, os.RemoveAll(w.Path("competitions/c/test")))
		}, nil, "4 of 4 rows have no prediction; they get the labels of the sample, or class 0", "0 1", 4},
		{"other images", func(t *testing.T, w *world) {
			must(t, os.RemoveAll(w.Path("competitions/c/test")))
			w.Write(t, "competitions/c/train/other.png", ensembletest.PNG(t, 8, 8, 1))
		}, []int{0}, "every row gets the default labels", "0", 4},
		{"a header only", func(t *testing.T, w *world) {
			w.Write(t, samplePath, []byte("id,attribute_ids\n"))
		}, []int{0}, "has no rows: the submission has its header only", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 4)
			w.Plan.Fallback = c.known
			c.change(t, w)
			var log strings.Builder
			got, s := w.predict(t, func(o *predict.Options) {
				o.Log, o.Scratch = &log, t.TempDir()
				predict.SetLoad(o, func(arch.Arch, *ensemble.Model, []byte, int) (predict.Network, error) {
					t.Error("a network was made")
					return nil, os.ErrInvalid
				})
			})
			want := "id,attribute_ids\n"
			for _, id := range w.IDs[:c.wantCount] {
				want += id + "," + c.wantRows + "\n"
			}
			if got != want || s.Defaults != c.wantCount || len(s.Dropped) > 0 {
				t.Errorf("%+v\n%s", s, got)
			}
			if !strings.Contains(log.String(), c.told) {
				t.Errorf("told:\n%s", log.String())
			}
		})
	}
}

func TestWithoutImagesTheWeightsAreChecked(t *testing.T) {
	w := newWorld(t, 2)
	must(t, os.RemoveAll(w.Path("competitions/c/test")))
	must(t, os.Remove(w.Path(plainFold)))
	_, err := predict.Run(context.Background(), w.Plan, w.options(t.TempDir()))
	if err == nil || !strings.Contains(err.Error(), "missing under") {
		t.Errorf("got %v", err)
	}
}

func TestDefaultLabelsFollowFromThePredictedRows(t *testing.T) {
	for _, c := range []struct {
		name   string
		logits func(image, class int) float32
		want   string
	}{
		{"more than half of the images", func(i, c int) float32 {
			if c == 3 || c == 5 && i < 2 || c == 6 && i < 1 {
				return 9
			}
			return -9
		}, "3 5"},
		{"the most frequent", func(i, c int) float32 {
			if c == i || c == 4 && i == 0 || c == 4 && i == 1 {
				return 9
			}
			return -9
		}, "4"},
		{"the highest mean", func(_, c int) float32 { return float32(c%5)/4 - 3 }, "4"},
	} {
		w := newWorld(t, 4)
		w.Plan.Models = w.Plan.Models[:1]
		w.Plan.Models[0].Folds = w.Plan.Models[0].Folds[:1]
		w.Plan.Models[0].Views = 1
		if c.name == "the most frequent" {
			// No label is in more than two of the four rows.
			w.Write(t, samplePath, []byte(strings.Replace(read(t, w.Path(samplePath)), "id,attribute_ids\n", "id,attribute_ids\nnone,\n", 1)))
		} else {
			w.Write(t, samplePath, []byte(strings.Replace(read(t, w.Path(samplePath)), w.IDs[3]+",", "none,", 1)))
		}
		image := -1
		got, _ := w.predict(t, func(o *predict.Options) {
			o.Batch = 1
			predict.SetLoad(o, func(arch.Arch, *ensemble.Model, []byte, int) (predict.Network, error) {
				return predict.PredictFunc(func(_ context.Context, _, logits []float32) error {
					if image++; c.name == "the most frequent" && image == 0 {
						return nil // the row without image
					}
					row := image
					if c.name == "the most frequent" {
						row--
					}
					for i := range logits {
						logits[i] = c.logits(row, i)
					}
					return nil
				}), nil
			})
		})
		if !strings.Contains(got, "\nnone,"+c.want+"\n") {
			t.Errorf("%s: want %q for the row none:\n%s", c.name, c.want, got)
		}
	}
}

func TestTheUserSettlesTheKindOfAnAmbiguousSample(t *testing.T) {
	w := newWorld(t, 2)
	want, _ := w.predict(t, nil)
	text := strings.NewReplacer("attribute_ids", "label", ",0 1\n", ",0\n").Replace(read(t, w.Path(samplePath)))
	w.Write(t, samplePath, []byte(text))
	o := w.options(t.TempDir())
	var log strings.Builder
	o.Log = &log
	if _, err := predict.Run(context.Background(), w.Plan, o); err != nil || !strings.Contains(log.String(), "deploy with --submission labels") {
		t.Errorf("got %v, told:\n%s", err, log.String())
	}
	for name, change := range map[string]func(*predict.Options){
		"by the plan":    func(*predict.Options) { w.Plan.Submission = input.Labels },
		"by the run":     func(o *predict.Options) { w.Plan.Submission, o.Submission = input.Unsettled, input.Labels },
		"by the table":   func(*predict.Options) { w.Plan.Training = input.SeveralLabels },
		"by a test.csv":  func(*predict.Options) { must(t, os.Rename(w.Path(samplePath), w.Path("competitions/c/test.csv"))) },
		"an unusual one": func(*predict.Options) { w.Plan.Sample = "odd.csv" },
	} {
		w.Plan.Submission, w.Plan.Training, w.Plan.Column, w.Plan.Sample = input.Unsettled, input.UnknownLabels, "label", ""
		os.Remove(w.Path("competitions/c/test.csv"))
		w.Write(t, samplePath, []byte(text))
		os.Remove(w.Path("odd.csv"))
		if name == "an unusual one" {
			w.Write(t, "odd.csv", []byte(strings.ReplaceAll(text, ",0\n", ",0 1\n")))
		}
		got, _ := w.predict(t, change)
		if got != strings.Replace(want, "attribute_ids", "label", 1) {
			t.Errorf("%s: another submission:\n%s", name, got)
		}
	}
}

// A sample of another kind is an error only if no sample has images.
func TestTheSampleWithImagesIsTakenAndReported(t *testing.T) {
	w := newWorld(t, 2)
	want, _ := w.predict(t, nil)
	text := read(t, w.Path(samplePath))
	must(t, os.Rename(w.Path(samplePath), w.Path("competitions/c/stage_2_sample_submission.csv")))
	w.Write(t, "competitions/c/stage_1_sample_submission.csv", []byte(text))
	w.Write(t, "other/sample_submission.csv", []byte("image_id,rle\nx,0\n"))
	var log strings.Builder
	got, _ := w.predict(t, func(o *predict.Options) { o.Log = &log })
	if got != want || !strings.Contains(log.String(), "passed over: "+filepath.Join(w.Root, "other")) ||
		!strings.Contains(log.String(), "the sample submission is "+w.Path("competitions/c/stage_2_sample_submission.csv")+", of ") {
		t.Errorf("told:\n%s\n%s", log.String(), got)
	}
	must(t, os.RemoveAll(w.Path("competitions/c/test")))
	if _, err := predict.Run(context.Background(), w.Plan, w.options(t.TempDir())); err == nil || !strings.Contains(err.Error(), "masks or boxes") {
		t.Errorf("got %v", err)
	}
}
