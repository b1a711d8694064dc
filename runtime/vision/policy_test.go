package vision_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// every returns every policy with every interpolation. The scaled side is larger than
// the square if the policy allows it.
func every(size int) []vision.Preprocess {
	var list []vision.Preprocess
	for _, policy := range vision.Policies() {
		for _, name := range vision.Interpolations() {
			p := raw(size)
			p.Policy, _ = vision.ParsePolicy(policy)
			p.Interpolation, _ = vision.ParseInterpolation(name)
			p.Pad = [3]uint8{10, 20, 30}
			list = append(list, p)
			if p.Policy != vision.CropOnly && p.Policy != vision.Letterbox {
				p.Side = size + size/3
				list = append(list, p)
			}
		}
	}
	return list
}

// Views that share a Scratch with images of all sizes must equal views computed alone.
// An odd view is the mirror image of the one before it.
func TestViewsShareAScratch(t *testing.T) {
	const size, n = 12, 3 * 12 * 12
	var s vision.Scratch
	for _, p := range every(size) {
		for _, wh := range [][2]int{{40, 25}, {25, 40}, {12, 12}, {16, 16}, {5, 9}, {1, 30}, {30, 1}, {24, 24}, {13, 90}} {
			m := synthetic(wh[0], wh[1])
			views := make([]float32, vision.MaxViews*n)
			p.Views(m, vision.MaxViews, views, &s)
			for v := range vision.MaxViews {
				one := make([]float32, n)
				p.View(m, v, one, nil)
				if !slices.Equal(one, views[v*n:(v+1)*n]) {
					t.Fatalf("%v: view %d of %v differs from that of Views", p.Scaling, v, wh)
				}
				if v%2 == 1 && !slices.Equal(mirror(views[(v-1)*n:v*n], size), one) {
					t.Fatalf("%v: view %d of %v is not mirrored", p.Scaling, v, wh)
				}
			}
			if p.MaxViews(size) == 2 && !slices.Equal(views[:n], views[2*n:3*n]) {
				t.Errorf("%v: there are more than two views of %v", p.Scaling, wh)
			}
		}
	}
}

func mirror(view []float32, size int) []float32 {
	out := make([]float32, len(view))
	for i := range view {
		x := i / 3 % size
		out[i+3*(size-1-2*x)] = view[i]
	}
	return out
}

// Views must equal parts of the whole resized image, both if the square shows all of it
// and if the square shows a part.
func TestViewsAreCutOutOfTheScaledImage(t *testing.T) {
	m := synthetic(90, 61)
	for _, f := range []vision.Interpolation{vision.Bicubic, vision.Lanczos, vision.OpenCVLinear, vision.OpenCVArea, vision.Nearest} {
		p := vision.Preprocess{Size: 24, Std: [3]float32{1, 1, 1}, Scaling: vision.Scaling{Policy: vision.ShorterSide, Interpolation: f, Side: 31}}
		w := 45 // int(31*90/61)
		if f == vision.OpenCVLinear || f == vision.OpenCVArea {
			w = 46 // rounded
		}
		whole := vision.Resize(m, w, 31, f)
		for view, at := range map[int][2]int{2: {0, 0}, 4: {w - 24, 7}} {
			dst := make([]float32, 3*24*24)
			p.View(m, view, dst, nil)
			want := vision.Crop(whole, at[0], at[1], 24, 24)
			for i, v := range dst {
				if v != float32(want.Pix[i])/255 {
					t.Fatalf("%v: view %d differs at value %d", f, view, i)
				}
			}
		}
	}
}

// A long line of pixels must take neither minutes nor gigabytes.
func TestLongImagesAreScaledInLittleMemory(t *testing.T) {
	const long = 1 << 15
	wide, tall := vision.New(long, 1), vision.New(1, long)
	for i := range wide.Pix {
		wide.Pix[i], tall.Pix[i] = 200, 200
	}
	var s vision.Scratch
	for _, p := range every(16) {
		if p.Policy == vision.LongerSide || p.Policy == vision.Letterbox {
			p.Pad = [3]uint8{200, 200, 200}
		}
		for _, m := range []*vision.Image{wide, tall} {
			if !bytes.Equal(levels(p, m, 0), bytes.Repeat([]byte{200}, 3*16*16)) {
				t.Errorf("%v: one color became another", p.Scaling)
			}
			dst := make([]float32, vision.MaxViews*3*16*16)
			if n := testing.AllocsPerRun(1, func() { p.Views(m, vision.MaxViews, dst, &s) }); n > 40 {
				t.Errorf("%v: %v allocations", p.Scaling, n)
			}
		}
	}
}

func TestCropsThatShowLittleCauseAWarning(t *testing.T) {
	p := raw(224)
	for _, c := range []struct {
		sizes [][2]int
		want  string
	}{
		{nil, ""},
		{[][2]int{{300, 400}}, ""},
		{[][2]int{{448, 448}}, ""},
		{[][2]int{{449, 448}}, "sees 25 %"},
		{[][2]int{{4000, 3000}, {224, 224}, {3000, 4000}}, "sees 0.42 % of the typical image: 224 x 224 pixels of 3000 x 4000 (median of 3 images)"},
		{[][2]int{{10, 100}}, "sees 10 % of the typical image: 10 x 10 pixels of 10 x 100"},
	} {
		got := p.CropWarning(c.sizes)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.sizes, got, c.want)
		}
	}
	p.Policy = vision.Squash
	if got := p.CropWarning([][2]int{{4000, 3000}}); got != "" {
		t.Errorf("squash: %q", got)
	}
}

func BenchmarkShorterSide(b *testing.B) {
	for _, c := range []struct {
		name string
		w, h int
	}{{"4000x3000", 4000, 3000}, {"1000x750", 1000, 750}, {"500x375", 500, 375}} {
		m := synthetic(c.w, c.h)
		for _, name := range []string{"bilinear", "bicubic", "torch-bilinear", "opencv-linear", "opencv-area"} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				p := raw(224)
				p.Policy, p.Side = vision.ShorterSide, 256
				p.Interpolation, _ = vision.ParseInterpolation(name)
				var s vision.Scratch
				dst := make([]float32, 3*224*224)
				b.ReportAllocs()
				for b.Loop() {
					p.View(m, 0, dst, &s)
				}
			})
		}
	}
}
