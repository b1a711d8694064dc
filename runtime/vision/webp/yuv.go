package webp

import (
	"image"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// fromYCbCr converts an image to RGB. Each row blends the two nearest rows of chroma,
// weighted 3 to 1, and each column likewise.
func fromYCbCr(m *image.YCbCr, w, h int) *vision.Image {
	img := vision.New(w, h)
	half := (w + 1) / 2
	chroma := func(y int) (u, v []uint8) {
		y = max(0, min(y, (h+1)/2-1))
		return m.Cb[y*m.CStride:][:half], m.Cr[y*m.CStride:][:half]
	}
	for y := range h {
		near, far := y/2, y/2+1
		if y%2 == 0 {
			far = y/2 - 1
		}
		u, v := chroma(near)
		farU, farV := chroma(far)
		convertRow(img.Pix[3*y*w:3*(y+1)*w], m.Y[y*m.YStride:][:w], u, v, farU, farV)
	}
	return img
}

// convertRow converts a row. It interpolates the chroma like libwebp's upsampler. With
// the nearest sample n, the next ones a (beside) and b (above or below), and c across,
// a pixel has
//
//	((n + a + b + c + 8 + 2(a + b)) / 8 + n) / 2
//
// which is (9n + 3a + 3b + c + 8) / 16, rounded in two steps.
func convertRow(dst, luma, u, v, farU, farV []uint8) {
	w := len(luma)
	edge := func(n, b uint8) uint8 { return uint8((3*uint(n) + uint(b) + 2) >> 2) }
	toRGB(dst, luma[0], edge(u[0], farU[0]), edge(v[0], farV[0]))
	for x := 1; x <= (w-1)/2; x++ {
		uLeft, uRight := mix(u[x-1], u[x], farU[x-1], farU[x])
		vLeft, vRight := mix(v[x-1], v[x], farV[x-1], farV[x])
		i := 2*x - 1
		toRGB(dst[3*i:], luma[i], uLeft, vLeft)
		toRGB(dst[3*i+3:], luma[i+1], uRight, vRight)
	}
	if w%2 == 0 {
		last := len(u) - 1
		toRGB(dst[3*w-3:], luma[w-1], edge(u[last], farU[last]), edge(v[last], farV[last]))
	}
}

// mix returns the chroma of the two pixels between a left and a right sample.
func mix(left, right, farLeft, farRight uint8) (l, r uint8) {
	a, b, c, d := uint(left), uint(right), uint(farLeft), uint(farRight)
	sum := a + b + c + d + 8
	one, two := (sum+2*(b+c))>>3, (sum+2*(a+d))>>3
	return uint8((one + a) >> 1), uint8((two + b) >> 1)
}

// toRGB converts a pixel of the limited range (BT.601). The constants are
// libwebp's: 255/219 and so on, with 14 bits of fraction.
func toRGB(dst []uint8, y, u, v uint8) {
	_ = dst[2]
	l := int(y) * 19077 >> 8
	dst[0] = clip(l + int(v)*26149>>8 - 14234)
	dst[1] = clip(l - int(u)*6419>>8 - int(v)*13320>>8 + 8708)
	dst[2] = clip(l + int(u)*33050>>8 - 17685)
}

// clip returns v without its 6 bits of fraction, in the range of bytes.
func clip(v int) uint8 { return uint8(max(0, min(255, v>>6))) }
