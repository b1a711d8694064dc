package augment

import (
	"math"
	"math/rand/v2"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// warp returns the image whose pixel (x, y) is m's at from(x, y). It interpolates
// bilinearly between pixels.
func warp(m *vision.Image, from func(x, y float64) (float64, float64)) *vision.Image {
	out := vision.New(m.W, m.H)
	for y := range m.H {
		for x := range m.W {
			u, v := from(float64(x), float64(y))
			x0, y0 := math.Floor(u), math.Floor(v)
			fx, fy := u-x0, v-y0
			left, right := mirror(int(x0), m.W), mirror(int(x0)+1, m.W)
			top, bottom := m.Pix[3*m.W*mirror(int(y0), m.H):], m.Pix[3*m.W*mirror(int(y0)+1, m.H):]
			dst := out.Pix[3*(y*m.W+x):][:3]
			for c := range dst {
				a := float64(top[3*left+c])*(1-fx) + float64(top[3*right+c])*fx
				b := float64(bottom[3*left+c])*(1-fx) + float64(bottom[3*right+c])*fx
				dst[c] = level(a*(1-fy) + b*fy)
			}
		}
	}
	return out
}

// mirror maps an index outside of a line of n pixels to the pixel that it mirrors:
// … 2 1 [0 1 2 3] 2 1 …
func mirror(i, n int) int {
	if i >= 0 && i < n {
		return i
	}
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}

// Limits bounds the random parameters of an affine change.
type Limits struct {
	Shift  float64 // largest shift, as a share of the side
	Scale  float64 // the image is scaled by 1-Scale to 1+Scale
	Rotate float64 // largest angle, in degrees
}

// Affine maps the strengths that a config names to their limits.
var Affine = map[string]Limits{
	"soft":   {Shift: 0.05, Scale: 0.1, Rotate: 10},
	"medium": {Shift: 0.0625, Scale: 0.2, Rotate: 20},
	"hard":   {Shift: 0.1, Scale: 0.3, Rotate: 45},
}

func (l Limits) apply(m *vision.Image, rng *rand.Rand) *vision.Image {
	sin, cos := math.Sincos(between(rng, -l.Rotate, l.Rotate) * math.Pi / 180)
	scale := 1 + between(rng, -l.Scale, l.Scale)
	dx, dy := between(rng, -l.Shift, l.Shift)*float64(m.W), between(rng, -l.Shift, l.Shift)*float64(m.H)
	cx, cy := float64(m.W-1)/2, float64(m.H-1)/2
	return warp(m, func(x, y float64) (float64, float64) {
		x, y = (x-cx-dx)/scale, (y-cy-dy)/scale
		return cos*x + sin*y + cx, cos*y - sin*x + cy
	})
}

// opticalDistortion distorts an image as a lens does, like Albumentations'
// OpticalDistortion. The focal length is the image's width. Both radial coefficients are
// k; k and the shift of the center are within ±0.05.
func opticalDistortion(m *vision.Image, rng *rand.Rand) *vision.Image {
	k := between(rng, -0.05, 0.05)
	shiftX, shiftY := between(rng, -0.05, 0.05)*float64(m.W), between(rng, -0.05, 0.05)*float64(m.H)
	focal := float64(m.W)
	cx, cy := float64(m.W)/2+shiftX, float64(m.H)/2+shiftY
	return warp(m, func(x, y float64) (float64, float64) {
		x, y = (x-cx)/focal, (y-cy)/focal
		r := x*x + y*y
		bend := 1 + k*r + k*r*r
		return x*bend*focal + cx, y*bend*focal + cy
	})
}

// gridSteps and gridLimit are the defaults of Albumentations' GridDistortion: cells in a
// row, and the largest change of a cell's side.
const (
	gridSteps = 5
	gridLimit = 0.3
)

// gridDistortion stretches the columns and rows of a grid, as Albumentations'
// GridDistortion.
func gridDistortion(m *vision.Image, rng *rand.Rand) *vision.Image {
	columns, rows := gridLine(m.W, rng), gridLine(m.H, rng)
	return warp(m, func(x, y float64) (float64, float64) { return columns[int(x)], rows[int(y)] })
}

// gridLine returns the source of each pixel of a line. It stretches each of gridSteps
// parts by its own factor, and scales the whole to the line's length.
func gridLine(n int, rng *rand.Rand) []float64 {
	var steps [gridSteps]float64
	total := 0.0
	for i := range steps {
		steps[i] = 1 + between(rng, -gridLimit, gridLimit)
		total += steps[i]
	}
	line := make([]float64, n)
	at := 0.0
	for i := 1; i < n; i++ {
		part := min(gridSteps-1, i*gridSteps/n)
		at += steps[part] * gridSteps / total
		line[i] = at
	}
	if at > 0 {
		for i := range line {
			line[i] *= float64(n-1) / at
		}
	}
	return line
}
