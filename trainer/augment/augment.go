// Package augment changes training images at random, so that a network sees
// each anew in every epoch.
//
//	a := augment.New(c)
//	img = a.Apply(img, rng) // input size x input size pixels
//	augment.Mixup(images, labels, n, beta, rng)
//
// The stages, in their order; each draws from the generator it is given, so the
// same image and the same generator give the same bytes:
//
//	crop        what the network sees: input size x input size pixels, from
//	            anywhere in the image (scaled up where it is smaller, as at test
//	            time), or with rect_crop a rectangle of random sides, scaled
//	hflip       mirrored left to right, one image in two
//	vflip       mirrored top to bottom, one image in two
//	rotate90    turned by 0, 90, 180 or 270 degrees
//	affine      shifted, scaled and turned: Albumentations' ShiftScaleRotate, one
//	            image in two; see [Affine]
//	distortion  one of Albumentations' OpticalDistortion and GridDistortion
//	blur        one of its MotionBlur, MedianBlur and Blur
//	noise       its GaussNoise
//	color       one of its RandomBrightnessContrast and HueSaturationValue
//	erase       a rectangle of random pixels (Zhong et al., arXiv 1708.04896)
//
// With global_prob all but the crop is left out of the other images. What lies
// outside of an image is its mirror image, without doubling the border
// (OpenCV's BORDER_REFLECT_101).
package augment

import (
	"math/rand/v2"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Augmenter changes images. It may be used by any number of goroutines.
type Augmenter struct {
	size   int
	crop   config.RectCrop
	rect   float64 // probability of rect_crop
	global float64
	stages []stage
}

// stage changes an image or returns it as it is. It must not write to it.
type stage struct {
	prob  float64
	apply func(*vision.Image, *rand.Rand) *vision.Image
}

// New returns the augmenter of a checked config.
func New(c *config.Config) *Augmenter {
	a, half := c.Augmentations, 0.5
	if !a.HFlip {
		half = 0
	}
	stages := []stage{{half, func(m *vision.Image, _ *rand.Rand) *vision.Image { return vision.FlipH(m) }}}
	if a.VFlip {
		stages = append(stages, stage{0.5, func(m *vision.Image, _ *rand.Rand) *vision.Image { return flipV(m) }})
	}
	if a.Rotate90 {
		stages = append(stages, stage{1, func(m *vision.Image, rng *rand.Rand) *vision.Image { return rotate(m, rng.IntN(4)) }})
	}
	if limits, ok := Affine[a.Affine]; ok {
		stages = append(stages, stage{0.5, limits.apply})
	}
	stages = append(stages,
		stage{a.Distortion, oneOf(opticalDistortion, gridDistortion)},
		stage{a.Blur, oneOf(motionBlur, medianBlur, boxBlur)},
		stage{a.Noise, gaussNoise},
		stage{a.Color, oneOf(brightnessContrast, hueSaturationValue)},
		stage{a.Erase.Prob, eraser(a.Erase).apply},
	)
	rect := a.RectCrop
	if c.Data.RectCrop.Enable {
		rect = 1
	}
	return &Augmenter{size: c.Model.InputSize, crop: c.Data.RectCrop, rect: rect, global: a.GlobalProb, stages: stages}
}

// Apply returns a changed image of the input size. It leaves m as it is.
func (a *Augmenter) Apply(m *vision.Image, rng *rand.Rand) *vision.Image {
	change := rng.Float64() < a.global
	if change && rng.Float64() < a.rect {
		m = rectCrop(m, a.crop, a.size, rng)
	} else {
		m = randomCrop(m, a.size, rng)
	}
	if !change {
		return m
	}
	for _, s := range a.stages {
		if s.prob > 0 && rng.Float64() < s.prob {
			m = s.apply(m, rng)
		}
	}
	return m
}

// oneOf applies one of some changes.
func oneOf(changes ...func(*vision.Image, *rand.Rand) *vision.Image) func(*vision.Image, *rand.Rand) *vision.Image {
	return func(m *vision.Image, rng *rand.Rand) *vision.Image {
		return changes[rng.IntN(len(changes))](m, rng)
	}
}

// between draws a number from an interval.
func between(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

// level rounds a value to that of a pixel.
func level(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }
