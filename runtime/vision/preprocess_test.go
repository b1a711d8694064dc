package vision_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// levels undoes the normalization of a view.
func levels(p vision.Preprocess, m *vision.Image, view int) []uint8 {
	dst := make([]float32, 3*p.Size*p.Size)
	p.View(m, view, dst, nil)
	out := make([]uint8, len(dst))
	for i, v := range dst {
		out[i] = uint8((v*p.Std[i%3]+p.Mean[i%3])*255 + 0.5)
	}
	return out
}

func raw(size int) vision.Preprocess {
	return vision.Preprocess{Size: size, Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225}}
}

func TestAnImageOfTheNetworksSizeIsOnlyNormalized(t *testing.T) {
	m, p := pattern(32, 32), raw(32)
	if vision.Enlarge(m, p.Size) != m {
		t.Error("it was scaled")
	}
	dst := make([]float32, 3*32*32)
	p.View(m, 0, dst, nil)
	for i, v := range dst {
		want := (float32(m.Pix[i])/255 - p.Mean[i%3]) / p.Std[i%3]
		if v != want {
			t.Fatalf("value %d is %v, want %v", i, v, want)
		}
	}
}

func TestViewsAreCropsAndTheirMirrorImages(t *testing.T) {
	m, p := pattern(50, 41), raw(32)
	for view, at := range [][2]int{{9, 4}, {9, 4}, {0, 0}, {0, 0}, {18, 9}, {18, 9}} {
		want := vision.Crop(m, at[0], at[1], 32, 32)
		if view%2 == 1 {
			want = vision.FlipH(want)
		}
		if !bytes.Equal(levels(p, m, view), want.Pix) {
			t.Errorf("view %d is not the crop at %v", view, at)
		}
	}
}

func TestSmallImagesAreScaledUpToTheShortSide(t *testing.T) {
	for _, c := range []struct{ w, h, size, wantW, wantH int }{
		{10, 20, 32, 32, 64},
		{20, 10, 32, 64, 32},
		{31, 300, 32, 32, 310},
		{64, 64, 288, 288, 288},
		{1, 1, 5, 5, 5},
		{32, 33, 32, 32, 33},   // large enough: not scaled
		{1, 1 << 20, 2, 2, 64}, // the middle of a thread
		{300, 400, 288, 300, 400},
	} {
		m := vision.New(c.w, c.h)
		got := vision.Enlarge(m, c.size)
		if got.W != c.wantW || got.H != c.wantH {
			t.Errorf("%dx%d for %d becomes %dx%d, want %dx%d", c.w, c.h, c.size, got.W, got.H, c.wantW, c.wantH)
		}
	}
	m, p := pattern(10, 20), raw(32)
	want := vision.Crop(vision.Resize(m, 32, 64, vision.Bicubic), 0, 16, 32, 32)
	if !bytes.Equal(levels(p, m, 0), want.Pix) || !bytes.Equal(levels(p, vision.Enlarge(m, p.Size), 0), want.Pix) {
		t.Error("a small image is not the crop of its bicubic enlargement")
	}
}

func ExamplePreprocess() {
	p := vision.Preprocess{Size: 2, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}}
	white := vision.Pad(vision.New(0, 0), vision.Border{Top: 3, Left: 3}, [3]uint8{255, 255, 255})
	dst := make([]float32, 2*2*3)
	p.View(white, 0, dst, nil)
	fmt.Println(dst)
	// Output: [1 1 1 1 1 1 1 1 1 1 1 1]
}
