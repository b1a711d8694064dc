package predict_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
)

// seen runs the plan and returns the inputs of the network.
func (w *world) seen(t *testing.T) []float32 {
	t.Helper()
	var got []float32
	w.predict(t, func(o *predict.Options) {
		predict.SetLoad(o, func(arch.Arch, *ensemble.Model, []byte, int) (predict.Network, error) {
			return predict.PredictFunc(func(_ context.Context, images, _ []float32) error {
				got = append(got, images...)
				return nil
			}), nil
		})
	})
	return got
}

// validated returns the inputs of the network in validation, from the trainer's loader.
func (w *world) validated(t *testing.T, m ensemble.Model) []float32 {
	t.Helper()
	set, err := data.Open(t.Context(), data.Source{
		CSV: w.Path("competitions/c/sample_submission.csv"), Dirs: []string{w.Path("competitions/c/test")}, Labels: labeltable.Options{Classes: ensembletest.Classes},
	})
	must(t, err)
	set.Decoder = m.Decoder(formats.All())
	rows := make([]int, len(set.IDs))
	for i := range rows {
		rows[i] = i
	}
	stream := data.NewLoader(set, rows, data.Options{Batch: 5, Pre: m.Preprocess(ensembletest.Tiny), Workers: 2}).Start(t.Context(), 0, 0)
	defer stream.Close()
	var got []float32
	for {
		b, err := stream.Next()
		must(t, err)
		if b == nil {
			return got
		}
		got = append(got, b.Images...)
	}
}

// Validation, Run and Fold see the same pixels for every image key of a config.
func TestValidationAndRunsSeeTheSamePixels(t *testing.T) {
	w := newWorld(t, 11)
	for i, size := range [][2]int{{60, 20}, {20, 60}, {8, 8}, {3, 7}, {16, 16}, {1, 40}} {
		w.Write(t, "competitions/c/test/"+w.IDs[i]+".png", ensembletest.PNG(t, size[0], size[1], i))
	}
	folds := w.Plan.Models[0].Folds[:1]
	var before [][]float32
	for _, entry := range []string{
		"", "resize: squash", "resize: shorter-side", "resize: longer-side, crop_pct: 0.8, pad: [9, 8, 7]", "resize: letterbox",
		"resize: shorter-side, interpolation: lanczos", "resize: squash, interpolation: torch-bicubic", "resize: shorter-side, interpolation: opencv-linear",
		"resize: squash, interpolation: opencv-area", "resize: letterbox, interpolation: tf-bilinear", "resize: squash, interpolation: nearest",
		"normalize: clip", "normalize: none", "mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]", "\nalpha: white", "\nalpha: black",
	} {
		keys, lines, _ := strings.Cut(entry, "\n")
		t.Run(strings.ReplaceAll(keys+lines, " ", ""), func(t *testing.T) {
			if keys != "" {
				keys = ", " + keys
			}
			text := fmt.Sprintf("model: {arch: tiny, num_classes: %d, input_size: 8%s}\n%s\n", ensembletest.Classes, keys, lines)
			c, err := modelspec.Parse("c.yml", []byte(text))
			must(t, err)
			m := c.Ensemble("m0")
			m.Coefficient, m.Folds = 1, folds
			w.Plan.Models = []ensemble.Model{m}
			got := w.seen(t)
			if want := w.validated(t, m); !slices.Equal(got, want) {
				t.Error("validation sees other pixels than a run")
			}
			for _, b := range before {
				if slices.Equal(got, b) {
					t.Error("the pixels are those of another config")
				}
			}
			before = append(before, got)
			w.checkFold(t, &m)
		})
	}
}

// checkFold compares the predictions of Fold, with two views, with those of Run.
func (w *world) checkFold(t *testing.T, m *ensemble.Model) {
	t.Helper()
	m.Views = 2
	w.Plan.Models = []ensemble.Model{*m}
	dir := t.TempDir()
	w.predict(t, func(o *predict.Options) { o.Predictions = dir })
	file, err := os.ReadFile(filepath.Join(dir, "level1_test_"+m.Folds[0].Name+".npy"))
	must(t, err)
	want, _, err := npy.ReadFloat32(bytes.NewReader(file))
	must(t, err)
	var paths []string
	for _, id := range w.IDs {
		paths = append(paths, w.Path("competitions/c/test/"+id+".png"))
	}
	got, err := predict.Fold(t.Context(), ensembletest.Tiny, m, &m.Folds[0], ensembletest.WeightFile(t, ensembletest.Tiny, *m, m.Folds[0].Name), paths,
		predict.FoldOptions{Operations: engine.Operations(), Formats: formats.All(), Threads: 2, Batch: 3})
	must(t, err)
	if !slices.Equal(got, want) {
		t.Error("Fold gives other predictions than Run")
	}
}

func TestARunWarnsOfCropsThatShowLittle(t *testing.T) {
	w := newWorld(t, 5)
	var log bytes.Buffer
	run := func() string {
		log.Reset()
		w.predict(t, func(o *predict.Options) { o.Log = &log })
		return log.String()
	}
	if got := run(); strings.Contains(got, "typical image") {
		t.Errorf("images of the network's size cause a warning:\n%s", got)
	}
	for i, id := range w.IDs[:3] {
		w.Write(t, "competitions/c/test/"+id+".png", ensembletest.PNG(t, 40, 30, i))
	}
	got := run()
	want := "m0: the network sees 5.3 % of the typical image: 8 x 8 pixels of 40 x 30 (median of 5 images), since model.resize is crop; " +
		"to scale images first, write `resize: shorter-side` into the section model of the config"
	if strings.Count(got, want) != 1 || strings.Count(got, "typical image") != 3 {
		t.Errorf("got\n%swant once\n%s", got, want)
	}
	for i := range w.Plan.Models {
		w.Plan.Models[i].Scaling.Policy = 2
	}
	if got := run(); strings.Contains(got, "typical image") {
		t.Errorf("a policy that scales causes a warning:\n%s", got)
	}
}
