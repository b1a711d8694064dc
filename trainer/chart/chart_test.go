package chart_test

import (
	"bytes"
	"image/png"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// colours decodes a picture and counts its colours.
func colours(t *testing.T, b *bytes.Buffer) (w, h, n int) {
	t.Helper()
	m, err := png.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[3]uint32]bool{}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			r, g, b, _ := m.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	return m.Bounds().Dx(), m.Bounds().Dy(), len(seen)
}

func TestCurvesAreDrawnAlsoOfOneEpochAndOfWhatIsNotFinite(t *testing.T) {
	history := []loop.Result{
		{Epoch: 0, TrainLoss: 1, ValidLoss: math.NaN(), Score: 0.2, Rate: 1e-3},
		{Epoch: 1, TrainLoss: 0.5, ValidLoss: 0.6, Score: 0.4, Rate: 1e-3},
	}
	for n := range 3 {
		var b bytes.Buffer
		if err := chart.Curves(&b, history[:n]); err != nil {
			t.Fatal(err)
		}
		if w, h, n := colours(t, &b); w < 2*h || n < 10 {
			t.Errorf("%dx%d pixels of %d colours", w, h, n)
		}
	}
}

func TestTheSearchIsDrawnOverALogarithmicRate(t *testing.T) {
	var b bytes.Buffer
	if err := chart.Finder(&b, []loop.Point{{Rate: 1e-6, Loss: 1}, {Rate: 1e-3, Loss: 0.5}, {Rate: 1, Loss: 4}}); err != nil {
		t.Fatal(err)
	}
	if _, _, n := colours(t, &b); n < 10 {
		t.Errorf("%d colours", n)
	}
}

func TestAMosaicShowsThePixelsThatWere(t *testing.T) {
	normal := chart.Normal{Mean: [3]float32{0.5, 0.4, 0.3}, Std: [3]float32{0.2, 0.3, 0.4}}
	images := make([]float32, 5*3*4*4)
	for i := range images {
		images[i] = (float32(i/48*50)/255 - normal.Mean[i%3]) / normal.Std[i%3]
	}
	var b bytes.Buffer
	if err := chart.Mosaic(&b, images, 4, normal); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if m.Bounds().Dx() != 22 || m.Bounds().Dy() != 10 {
		t.Fatalf("%v", m.Bounds())
	}
	if r, g, b, _ := m.At(7, 1).RGBA(); r>>8 != 50 || g>>8 != 50 || b>>8 != 50 {
		t.Errorf("the second image is %d %d %d, want 50", r>>8, g>>8, b>>8)
	}
}
