package vision

import (
	"fmt"
	"math"
)

// Interpolation is an algorithm that computes the pixels of a resized image. Each
// reproduces one library, so that a network sees the pixels it was trained on.
type Interpolation uint8

// The interpolations. The first four are Pillow's. torchvision and timm use them for
// Pillow images.
const (
	Bicubic       Interpolation = iota // antialiased, Keys' cubic with a = -0.5
	Bilinear                           // antialiased triangle
	Lanczos                            // antialiased sinc(x)*sinc(x/3)
	Nearest                            // the nearest pixel, as Pillow finds it
	TorchBilinear                      // torchvision's, of uint8 tensors, antialiased
	TorchBicubic                       // torchvision's, of uint8 tensors, antialiased
	OpenCVLinear                       // INTER_LINEAR: not antialiased
	OpenCVArea                         // INTER_AREA: the mean of what a pixel covers
	TFBilinear                         // tf.image.resize: float, not antialiased
	interpolations
)

var interpolationNames = [interpolations]string{
	"bicubic", "bilinear", "lanczos", "nearest", "torch-bilinear", "torch-bicubic",
	"opencv-linear", "opencv-area", "tf-bilinear",
}

// Interpolations returns the names of all interpolations, in the order of their
// values.
func Interpolations() []string { return interpolationNames[:] }

// String returns the name in training configs.
func (f Interpolation) String() string {
	if f >= interpolations {
		return fmt.Sprintf("Interpolation(%d)", uint8(f))
	}
	return interpolationNames[f]
}

// ParseInterpolation returns the interpolation with this name, and whether there is
// one.
func ParseInterpolation(name string) (Interpolation, bool) {
	return parse[Interpolation](name, interpolationNames[:])
}

// parse returns the index of a name in a list, and whether it is there.
func parse[T ~uint8](name string, names []string) (T, bool) {
	for i, n := range names {
		if n == name {
			return T(i), true
		}
	}
	return 0, false
}

// opencv reports whether f is OpenCV's. Albumentations rounds sizes for these.
func (f Interpolation) opencv() bool { return f == OpenCVLinear || f == OpenCVArea }

// support returns the radius of an antialiased filter, in pixels of the coarser
// image.
func (f Interpolation) support() float64 {
	switch f {
	case Bilinear, TorchBilinear:
		return 1
	case Bicubic, TorchBicubic:
		return 2
	}
	return 3
}

// at returns the value of an antialiased filter at distance x.
func (f Interpolation) at(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x >= f.support():
		return 0
	case f == Bilinear || f == TorchBilinear:
		return 1 - x
	case f == Lanczos:
		return sinc(x) * sinc(x/3)
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	}
	return (((x-5)*x+8)*x - 4) * -0.5
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}
