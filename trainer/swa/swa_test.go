package swa_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/swa"
)

func dict(weight, mean float32) *weights.StateDict {
	return &weights.StateDict{Tensors: []weights.Tensor{
		weights.NewFloat32("fc.weight", []int{1}, []float32{weight}),
		weights.NewFloat32("bn.running_mean", []int{1}, []float32{mean}),
	}}
}

func value(t *testing.T, d *weights.StateDict, name string) float32 {
	t.Helper()
	v, _, err := d.Float32(name)
	if err != nil {
		t.Fatal(err)
	}
	return v[0]
}

func TestMeanAveragesWeightsAndRefusesMismatches(t *testing.T) {
	m, err := swa.Mean([]*weights.StateDict{dict(1, 0), dict(2, 0), dict(6, 0)})
	if err != nil || value(t, m, "fc.weight") != 3 {
		t.Errorf("the mean of 1, 2 and 6 is %v (%v)", m, err)
	}
	short := &weights.StateDict{Tensors: dict(1, 0).Tensors[:1]}
	if _, err := swa.Mean([]*weights.StateDict{dict(1, 0), short}); err == nil || !strings.Contains(err.Error(), "2 tensors in one file and 1 in another") {
		t.Errorf("error %v", err)
	}
	if _, err := swa.Mean(nil); err == nil {
		t.Error("no weights have a mean")
	}
}

// reader is a model whose batch norm reads the images directly.
type reader struct{ mean float32 }

func (r *reader) Step(_ context.Context, images, _ []float32) (float64, []float32, error) {
	r.mean = 0
	for _, v := range images {
		r.mean += v / float32(len(images))
	}
	return 0, nil, nil
}

func (r *reader) StateDict() *weights.StateDict { return dict(7, r.mean) }

func TestStatisticsAreMeansOverTheBatches(t *testing.T) {
	dir := t.TempDir()
	table := "id,attribute_ids\n"
	for i, gray := range []uint8{0, 51, 102, 255} {
		m := image.NewGray(image.Rect(0, 0, 2, 2))
		for k := range 4 {
			m.SetGray(k%2, k/2, color.Gray{Y: gray})
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("g%d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		f.Close()
		table += fmt.Sprintf("g%d,0\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "t.csv"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := data.Open(t.Context(), data.Source{CSV: filepath.Join(dir, "t.csv"), Dirs: []string{dir}, Labels: labeltable.Options{Classes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	l := data.NewLoader(set, []int{0, 1, 2, 3}, data.Options{Batch: 2, Pre: vision.Preprocess{Size: 2, Std: [3]float32{1, 1, 1}}})
	images := 0
	d, err := swa.Statistics(t.Context(), &reader{}, l, func(n int) { images += n })
	if err != nil {
		t.Fatal(err)
	}
	// Batches of 0 and 0.2, and of 0.4 and 1: means 0.1 and 0.7.
	if got := value(t, d, "bn.running_mean"); got < 0.3999 || got > 0.4001 {
		t.Errorf("the mean is %v, want 0.4", got)
	}
	if value(t, d, "fc.weight") != 7 || images != 4 {
		t.Errorf("other weights, or %d images told of", images)
	}
}
