package augment_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/augment"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

func parse(t testing.TB, rest string) *config.Config {
	t.Helper()
	c, _, err := config.Parse("test.yml", []byte("model: {arch: cifar_resnet20, num_classes: 2, input_size: 24}\n"+rest))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// picture returns an image of smooth colors, with a different one in every corner.
func picture(w, h int) *vision.Image {
	m := vision.New(w, h)
	for y := range h {
		for x := range w {
			p := m.Pix[3*(y*w+x):]
			p[0], p[1], p[2] = uint8(40+180*x/w), uint8(40+180*y/h), 120
		}
	}
	return m
}

func TestEveryStageChangesImagesAndKeepsTheirSize(t *testing.T) {
	for name, text := range map[string]string{
		"hflip": "{hflip: true}", "vflip": "{vflip: true}", "rotate90": "{rotate90: true}",
		"soft": "{affine: soft}", "medium": "{affine: medium}", "hard": "{affine: hard}",
		"rect_crop": "{rect_crop: 1}", "noise": "{noise: 1}", "blur": "{blur: 1}",
		"distortion": "{distortion: 1}", "color": "{color: 1}", "erase": "{erase: {prob: 1}}",
	} {
		a := augment.New(parse(t, "augmentations: "+text))
		m := picture(24, 24)
		m.Pix[300], m.Pix[301] = 255, 0 // something to blur
		before := bytes.Clone(m.Pix)
		changed := 0
		for seed := range uint64(40) {
			got := a.Apply(m, rng(seed))
			if got.W != 24 || got.H != 24 {
				t.Fatalf("%s: %dx%d pixels", name, got.W, got.H)
			}
			if !bytes.Equal(got.Pix, m.Pix) {
				changed++
			}
			if again := a.Apply(m, rng(seed)); !bytes.Equal(got.Pix, again.Pix) {
				t.Fatalf("%s: the same seed gives another image", name)
			}
		}
		if !bytes.Equal(before, m.Pix) {
			t.Errorf("%s: the image itself was changed", name)
		}
		if changed < 10 {
			t.Errorf("%s: only %d of 40 images were changed", name, changed)
		}
	}
}

func TestImagesStayTheSameWithoutAugmentations(t *testing.T) {
	for _, text := range []string{"", "augmentations: {hflip: true, noise: 1, erase: {prob: 1}, rect_crop: 1, global_prob: 0}"} {
		a := augment.New(parse(t, text))
		m := picture(24, 24)
		for seed := range uint64(10) {
			if got := a.Apply(m, rng(seed)); !bytes.Equal(got.Pix, m.Pix) {
				t.Fatalf("%q: the image was changed", text)
			}
		}
	}
}

func TestCropsCoverTheWholeImage(t *testing.T) {
	a := augment.New(parse(t, ""))
	m := vision.New(30, 26)
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 3 % 30) // the column
	}
	seen := map[uint8]bool{}
	for seed := range uint64(200) {
		seen[a.Apply(m, rng(seed)).Pix[0]] = true
	}
	if len(seen) != 30-24+1 {
		t.Errorf("crops begin at %d of 7 columns", len(seen))
	}
	small := a.Apply(picture(10, 40), rng(1))
	if small.W != 24 || small.H != 24 {
		t.Errorf("a small image becomes %dx%d", small.W, small.H)
	}
}

// A rectangle that has one full side shows all of that side.
func TestRectCropShortensOneSideOrBoth(t *testing.T) {
	m := picture(100, 80)
	whole := func(p *vision.Image, channel int) bool {
		low, high := 255, 0
		for i := channel; i < len(p.Pix); i += 3 {
			low, high = min(low, int(p.Pix[i])), max(high, int(p.Pix[i]))
		}
		return low < 50 && high > 208
	}
	for _, both := range []bool{false, true} {
		text := "data: {rect_crop: {enable: true, min_ratio: 0.3, max_ratio: 0.6}}"
		if both {
			text = strings.Replace(text, "enable", "scale_both_dims: true, enable", 1)
		}
		a := augment.New(parse(t, text))
		for seed := range uint64(20) {
			p := a.Apply(m, rng(seed))
			sides := 0
			for c := range 2 {
				if whole(p, c) {
					sides++
				}
			}
			if want := map[bool]int{false: 1, true: 0}[both]; sides != want {
				t.Fatalf("both %v, seed %d: %d sides are whole, want %d", both, seed, sides, want)
			}
		}
	}
}

func TestRotate90DrawsAllFourRotations(t *testing.T) {
	a := augment.New(parse(t, "augmentations: {rotate90: true}"))
	m := picture(24, 24)
	corners := map[[2]uint8]bool{}
	for seed := range uint64(40) {
		p := a.Apply(m, rng(seed))
		corners[[2]uint8{p.Pix[0], p.Pix[1]}] = true
	}
	if len(corners) != 4 {
		t.Errorf("%d different turns, want 4", len(corners))
	}
}

func TestNoiseHasAVarianceFrom10To50(t *testing.T) {
	a := augment.New(parse(t, "augmentations: {noise: 1}"))
	m := vision.New(24, 24)
	for i := range m.Pix {
		m.Pix[i] = 128
	}
	for seed := range uint64(20) {
		sum := 0.0
		for _, v := range a.Apply(m, rng(seed)).Pix {
			sum += (float64(v) - 128) * (float64(v) - 128)
		}
		if v := sum / float64(len(m.Pix)); v < 8 || v > 58 {
			t.Errorf("a variance of %.1f, drawn are 10 to 50", v)
		}
	}
}

func TestErasedAreasAreWithinTheLimits(t *testing.T) {
	a := augment.New(parse(t, "augmentations: {erase: {prob: 1, min_area: 0.1, max_area: 0.3, min_ratio: 0.5, max_ratio: 2}}"))
	m := vision.New(24, 24)
	for seed := range uint64(40) {
		p := a.Apply(m, rng(seed))
		n := 0
		for i := 0; i < len(p.Pix); i += 3 {
			if p.Pix[i]|p.Pix[i+1]|p.Pix[i+2] != 0 {
				n++
			}
		}
		if share := float64(n) / (24 * 24); share < 0.08 || share > 0.33 {
			t.Errorf("seed %d: %.2f of the image is erased", seed, share)
		}
	}
}

func TestColorConversionsAreInverses(t *testing.T) {
	for _, c := range [][3]uint8{{0, 0, 0}, {255, 255, 255}, {255, 0, 0}, {1, 200, 77}, {12, 12, 13}, {9, 8, 255}} {
		h, s, v := augment.ToHSV(c[0], c[1], c[2])
		if r, g, b := augment.FromHSV(h, s, v); [3]uint8{r, g, b} != c {
			t.Errorf("%v becomes %v", c, [3]uint8{r, g, b})
		}
	}
}

func TestMixupBlendsLabelsAsImages(t *testing.T) {
	const n = 8
	shares := 0.0
	for seed := range uint64(200) {
		images, labels := make([]float32, n*4), make([]float32, n)
		for i := range n {
			labels[i] = float32(i)
			for k := range 4 {
				images[4*i+k] = float32(i)
			}
		}
		augment.Mixup(images, labels, n, 0.3, rng(seed))
		sum := float32(0)
		for i := range n {
			sum += labels[i]
			if images[4*i] != labels[i] || images[4*i+3] != labels[i] {
				t.Fatalf("image %d is mixed to %v, its label to %v", i, images[4*i], labels[i])
			}
		}
		if math.Abs(float64(sum)-28) > 1e-4 {
			t.Fatalf("the labels sum to %v, want 28", sum)
		}
		shares += math.Abs(float64(labels[0]))
	}
	if shares == 0 {
		t.Error("nothing was ever mixed")
	}
}

func TestTheShareOfMixupHasABetaDistribution(t *testing.T) {
	for _, a := range []float64{0.01, 0.3, 1, 2} {
		r, mean, square := rng(3), 0.0, 0.0
		const n = 40000
		for range n {
			v := augment.BetaSample(a, r)
			if !(v >= 0 && v <= 1) {
				t.Fatalf("Beta(%v): drew %v", a, v)
			}
			mean += v / n
			square += v * v / n
		}
		if variance := square - mean*mean; math.Abs(mean-0.5) > 0.01 || math.Abs(variance-1/(4*(2*a+1))) > 0.005 {
			t.Errorf("Beta(%v): mean %.3f, variance %.4f, want 0.5 and %.4f", a, mean, variance, 1/(4*(2*a+1)))
		}
	}
}

func BenchmarkApply(b *testing.B) {
	c := parse(b, "augmentations: {affine: medium, hflip: true, blur: 0.3, distortion: 0.2, noise: 0.3}")
	c.Model.InputSize = 288
	a, m, r := augment.New(c), picture(300, 400), rng(1)
	for b.Loop() {
		a.Apply(m, r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
