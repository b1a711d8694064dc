// Package augment changes training images at random, so that a network never sees the
// same pixels twice.
//
//	a := augment.New(c)
//	img = a.Apply(img, rng) // input size x input size pixels
//	augment.Mixup(images, labels, n, beta, rng)
//
// The stages, in this order:
//
//	crop        a random square of the input size; smaller images are scaled up
//	            first, as at test time; with rect_crop a random rectangle, scaled
//	hflip       a mirror image left to right, for one image in two
//	vflip       a mirror image top to bottom, for one image in two
//	rotate90    a rotation by 0, 90, 180 or 270 degrees
//	affine      a shift, scaling and rotation for one image in two, as
//	            Albumentations' ShiftScaleRotate; see [Affine]
//	distortion  Albumentations' OpticalDistortion or GridDistortion
//	blur        Albumentations' MotionBlur, MedianBlur or Blur
//	noise       Albumentations' GaussNoise
//	color       Albumentations' RandomBrightnessContrast or HueSaturationValue
//	erase       a rectangle of random pixels (Zhong et al., arXiv 1708.04896)
//
// An image goes through the stages behind the crop with probability global_prob.
// Pixels outside of an image mirror those inside without repeating the border, as
// OpenCV's BORDER_REFLECT_101. The same image and random generator give the same bytes.
package augment

import (
	"math/rand/v2"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Augmenter changes images. It is safe for concurrent use.
type Augmenter struct {
	size   int
	crop   config.RectCrop
	rect   float64 // probability of rect_crop
	global float64
	stages []stage
}

// stage changes images with probability prob. apply returns a new image or its argument,
// to which it must not write.
type stage struct {
	prob  float64
	apply func(*vision.Image, *rand.Rand) *vision.Image
}

// New returns the augmenter of a config that has passed its checks.
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

// Apply returns a changed image of input size x input size pixels. It does not change m.
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

// oneOf returns a change that applies one of changes at random.
func oneOf(changes ...func(*vision.Image, *rand.Rand) *vision.Image) func(*vision.Image, *rand.Rand) *vision.Image {
	return func(m *vision.Image, rng *rand.Rand) *vision.Image {
		return changes[rng.IntN(len(changes))](m, rng)
	}
}

// between draws a number from the interval [low, high).
func between(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

// level rounds v to the nearest level of a pixel, 0 to 255.
func level(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }
