package augment

import (
	"math"
	"math/rand/v2"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// randomCrop cuts a random square of size x size pixels. It scales smaller images up
// first, as at test time.
func randomCrop(m *vision.Image, size int, rng *rand.Rand) *vision.Image {
	m = vision.Enlarge(m, size)
	x, y := rng.IntN(m.W-size+1), rng.IntN(m.H-size+1)
	if m.W == size && m.H == size {
		return m
	}
	return vision.Crop(m, x, y, size, size)
}

// rectCrop cuts a random rectangle and scales it to size x size pixels. One side of it,
// or with ScaleBothDims each, is a random share of the image's side.
func rectCrop(m *vision.Image, c config.RectCrop, size int, rng *rand.Rand) *vision.Image {
	share := func(side int) int {
		return max(1, min(side, int(math.Round(float64(side)*between(rng, c.MinRatio, c.MaxRatio)))))
	}
	w, h := m.W, m.H
	wide := rng.IntN(2) == 0
	if c.ScaleBothDims || wide {
		w = share(m.W)
	}
	if c.ScaleBothDims || !wide {
		h = share(m.H)
	}
	m = vision.Crop(m, rng.IntN(m.W-w+1), rng.IntN(m.H-h+1), w, h)
	return vision.Resize(m, size, size, vision.Bicubic)
}

// flipV returns the image mirrored top to bottom.
func flipV(m *vision.Image) *vision.Image {
	out := vision.New(m.W, m.H)
	row := 3 * m.W
	for y := range m.H {
		copy(out.Pix[y*row:(y+1)*row], m.Pix[(m.H-1-y)*row:])
	}
	return out
}

// rotate returns the image rotated counter-clockwise by quarters of a turn.
func rotate(m *vision.Image, quarters int) *vision.Image {
	for range quarters {
		out := vision.New(m.H, m.W)
		for y := range out.H {
			for x := range out.W {
				copy(out.Pix[3*(y*out.W+x):][:3], m.Pix[3*(x*m.W+m.W-1-y):])
			}
		}
		m = out
	}
	return m
}
