package augment

import (
	"math/rand/v2"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// boxBlur takes the mean of 3 x 3 pixels, as Albumentations' Blur with blur_limit 3.
func boxBlur(m *vision.Image, _ *rand.Rand) *vision.Image {
	var offsets [][2]int
	for y := -1; y <= 1; y++ {
		for x := -1; x <= 1; x++ {
			offsets = append(offsets, [2]int{x, y})
		}
	}
	return meanOf(m, offsets)
}

// motionBlur takes the mean along a line of 3 to 7 pixels through each pixel, as
// Albumentations' MotionBlur.
func motionBlur(m *vision.Image, rng *rand.Rand) *vision.Image {
	length := 3 + 2*rng.IntN(3)
	reach := length / 2
	// The line ends on the border of a square with that side.
	x, y := reach, rng.IntN(length)-reach
	if rng.IntN(2) == 0 {
		x, y = y, x
	}
	var offsets [][2]int
	for i := -reach; i <= reach; i++ {
		offsets = append(offsets, [2]int{roundDiv(i*x, reach), roundDiv(i*y, reach)})
	}
	return meanOf(m, offsets)
}

// roundDiv returns a/b rounded to the nearest integer, halves away from zero.
func roundDiv(a, b int) int {
	if a < 0 {
		return -roundDiv(-a, b)
	}
	return (2*a + b) / (2 * b)
}

// meanOf returns the image whose pixels are the means of m's pixels at the offsets.
func meanOf(m *vision.Image, offsets [][2]int) *vision.Image {
	out := vision.New(m.W, m.H)
	for y := range m.H {
		for x := range m.W {
			var sum [3]int
			for _, o := range offsets {
				p := m.Pix[3*(mirror(y+o[1], m.H)*m.W+mirror(x+o[0], m.W)):]
				sum[0] += int(p[0])
				sum[1] += int(p[1])
				sum[2] += int(p[2])
			}
			dst := out.Pix[3*(y*m.W+x):][:3]
			for c := range dst {
				dst[c] = uint8((sum[c] + len(offsets)/2) / len(offsets))
			}
		}
	}
	return out
}

// medianBlur takes the median of 3 x 3 pixels for each channel, as Albumentations'
// MedianBlur with blur_limit 3.
func medianBlur(m *vision.Image, _ *rand.Rand) *vision.Image {
	out := vision.New(m.W, m.H)
	var near [3][9]uint8
	for y := range m.H {
		for x := range m.W {
			for i := range 9 {
				p := m.Pix[3*(mirror(y+i/3-1, m.H)*m.W+mirror(x+i%3-1, m.W)):]
				near[0][i], near[1][i], near[2][i] = p[0], p[1], p[2]
			}
			for c := range near {
				slices.Sort(near[c][:])
				out.Pix[3*(y*m.W+x)+c] = near[c][4]
			}
		}
	}
	return out
}
