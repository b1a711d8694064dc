package augment

import (
	"math"
	"math/rand/v2"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// gaussNoise adds normal noise to every channel, with a variance from 10 to 50, as
// Albumentations' GaussNoise.
func gaussNoise(m *vision.Image, rng *rand.Rand) *vision.Image {
	sigma := math.Sqrt(between(rng, 10, 50))
	out := vision.New(m.W, m.H)
	for i, v := range m.Pix {
		out.Pix[i] = level(float64(v) + sigma*rng.NormFloat64())
	}
	return out
}

// brightnessContrast multiplies the levels by 0.8 to 1.2 and adds up to ±0.2 of their
// mean, as Albumentations' RandomBrightnessContrast.
func brightnessContrast(m *vision.Image, rng *rand.Rand) *vision.Image {
	contrast, brightness := 1+between(rng, -0.2, 0.2), between(rng, -0.2, 0.2)
	mean := 0.0
	for _, v := range m.Pix {
		mean += float64(v)
	}
	mean /= float64(len(m.Pix))
	var table [256]uint8
	for v := range table {
		table[v] = level(float64(v)*contrast + brightness*mean)
	}
	out := vision.New(m.W, m.H)
	for i, v := range m.Pix {
		out.Pix[i] = table[v]
	}
	return out
}

// hueSaturationValue shifts the hue by up to ±20 of 180, the saturation by up to ±30 and
// the value by up to ±20 of 255, as Albumentations' HueSaturationValue.
func hueSaturationValue(m *vision.Image, rng *rand.Rand) *vision.Image {
	hue := between(rng, -20, 20) / 180
	saturation, value := between(rng, -30, 30)/255, between(rng, -20, 20)/255
	out := vision.New(m.W, m.H)
	for i := 0; i < len(m.Pix); i += 3 {
		h, s, v := toHSV(m.Pix[i], m.Pix[i+1], m.Pix[i+2])
		if s > 0 { // gray has no hue
			s = max(0, min(1, s+saturation))
		}
		out.Pix[i], out.Pix[i+1], out.Pix[i+2] = fromHSV(h+hue, s, max(0, min(1, v+value)))
	}
	return out
}

// toHSV converts levels to hue, saturation and value, each from 0 to 1.
func toHSV(r, g, b uint8) (h, s, v float64) {
	high, low := max(r, g, b), min(r, g, b)
	v = float64(high) / 255
	span := float64(high - low)
	if span == 0 {
		return 0, 0, v
	}
	s = span / float64(high)
	switch high {
	case r:
		h = (float64(g) - float64(b)) / span
	case g:
		h = 2 + (float64(b)-float64(r))/span
	default:
		h = 4 + (float64(r)-float64(g))/span
	}
	return h / 6, s, v
}

// fromHSV is the inverse of toHSV. It takes the hue modulo 1.
func fromHSV(h, s, v float64) (r, g, b uint8) {
	h = 6 * (h - math.Floor(h))
	channel := func(n float64) uint8 {
		k := math.Mod(n+h, 6)
		return level(255 * v * (1 - s*max(0, min(k, 4-k, 1))))
	}
	return channel(5), channel(3), channel(1)
}

// eraser paints a rectangle of random pixels (Random Erasing).
type eraser config.Erase

// eraseTries limits the draws of a rectangle until one fits into the image.
const eraseTries = 100

func (e eraser) apply(m *vision.Image, rng *rand.Rand) *vision.Image {
	for range eraseTries {
		area := between(rng, e.MinArea, e.MaxArea) * float64(m.W*m.H)
		ratio := between(rng, e.MinRatio, e.MaxRatio)
		w, h := int(math.Sqrt(area/ratio)+0.5), int(math.Sqrt(area*ratio)+0.5)
		if w < 1 || h < 1 || w > m.W || h > m.H {
			continue
		}
		x0, y0 := rng.IntN(m.W-w+1), rng.IntN(m.H-h+1)
		out := vision.Crop(m, 0, 0, m.W, m.H)
		for y := y0; y < y0+h; y++ {
			row := out.Pix[3*(y*m.W+x0):][:3*w]
			for i := range row {
				row[i] = uint8(rng.Uint32())
			}
		}
		return out
	}
	return m
}
