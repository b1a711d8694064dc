package chart_test

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// colors decodes a picture and counts its colors.
func colors(t *testing.T, b *bytes.Buffer) (w, h, n int) {
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

func TestCurvesAreDrawnForOneEpochAndForNaN(t *testing.T) {
	history := []loop.Result{
		{Epoch: 0, TrainLoss: 1, ValidLoss: math.NaN(), Score: 0.2, Rate: 1e-3},
		{Epoch: 1, TrainLoss: 0.5, ValidLoss: 0.6, Score: 0.4, Rate: 1e-3},
	}
	for n := range 3 {
		var b bytes.Buffer
		if err := chart.Curves(&b, "small, fold 0", chart.Score{Name: "F2", ToBeat: 0.3}, history[:n]); err != nil {
			t.Fatal(err)
		}
		if w, h, n := colors(t, &b); w < 2*h || n < 10 {
			t.Errorf("%dx%d pixels of %d colors", w, h, n)
		}
	}
}

func TestFinderDrawsTheLossOverTheRate(t *testing.T) {
	var b bytes.Buffer
	if err := chart.Finder(&b, "small, fold 0", []loop.Point{{Rate: 1e-6, Loss: 1}, {Rate: 1e-3, Loss: 0.5}, {Rate: 1, Loss: 4}}); err != nil {
		t.Fatal(err)
	}
	if _, _, n := colors(t, &b); n < 10 {
		t.Errorf("%d colors", n)
	}
}

func TestUnusualTrainingsAreDrawn(t *testing.T) {
	for name, history := range map[string][]loop.Result{
		"rates of 0":     {{Epoch: 0, Score: 0.1, TrainLoss: 1, ValidLoss: 1}, {Epoch: 1, Score: 0.1, TrainLoss: 1, ValidLoss: 1}},
		"a level loss":   {{Epoch: 3, Score: 0.5, TrainLoss: 0, ValidLoss: 0, Rate: 1e-3, Best: true}},
		"all not finite": {{Epoch: 0, Score: math.NaN(), TrainLoss: math.NaN(), ValidLoss: math.Inf(1), Rate: 1e-3}},
		"a warm-up":      {{Epoch: 0, Rate: 1e-7, Score: 0.1}, {Epoch: 1, Rate: 1, Score: 0.2, Best: true}},
	} {
		var b bytes.Buffer
		if err := chart.Curves(&b, name, chart.Score{}, history); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var b bytes.Buffer
	for _, points := range [][]loop.Point{nil, {{Rate: 1e-3, Loss: 1}}, {{Rate: 1e-3, Loss: math.NaN()}}} {
		if err := chart.Finder(&b, "", points); err != nil {
			t.Errorf("%v: %v", points, err)
		}
	}
}

func TestAMosaicShowsPixelsIDsAndLabels(t *testing.T) {
	normal := chart.Normal{Mean: [3]float32{0.5, 0.4, 0.3}, Std: [3]float32{0.2, 0.3, 0.4}}
	tiles := make([]chart.Tile, 5)
	for i := range tiles {
		tiles[i] = chart.Tile{Image: make([]float32, 3*4*4), ID: "an-id-that-is-longer-than-the-image"}
		for k := range tiles[i].Image {
			tiles[i].Image[k] = (float32(i*50)/255 - normal.Mean[k%3]) / normal.Std[k%3]
		}
	}
	draw := func() image.Image {
		t.Helper()
		var b bytes.Buffer
		if err := chart.Mosaic(&b, tiles, 4, normal); err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := draw()
	// Four in a row, magnified to 128 pixels, with two lines of text below.
	if m.Bounds().Dx() != 4*(128+4)+4 || m.Bounds().Dy() != 2*(128+4+30)+4 {
		t.Fatalf("%v", m.Bounds())
	}
	for _, at := range []image.Point{{136, 4}, {263, 131}} {
		if r, g, b, _ := m.At(at.X, at.Y).RGBA(); r>>8 != 50 || g>>8 != 50 || b>>8 != 50 {
			t.Errorf("the second image is %d %d %d at %v, want 50", r>>8, g>>8, b>>8, at)
		}
	}
	ink := func(m image.Image, y int) (n int) {
		for x := 4; x < 132; x++ {
			for dy := range 13 {
				if r, _, _, _ := m.At(x, y+dy).RGBA(); r>>8 < 200 {
					n++
				}
			}
		}
		return n
	}
	if ink(m, 134) < 50 || ink(m, 147) < 20 {
		t.Errorf("%d and %d dark pixels below the first image", ink(m, 134), ink(m, 147))
	}
	before := ink(m, 147)
	tiles[0].Labels = "10 200 3000"
	if ink(draw(), 147) == before {
		t.Error("labels are not written")
	}
}
