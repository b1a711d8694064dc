package vision

import (
	"fmt"
	"math"
)

// Policy says how an image of any size becomes the square that a network
// reads.
type Policy uint8

// The policies. docs/images.md has the arithmetic of each.
const (
	// CropOnly cuts the square out. Only an image whose short side is less than
	// that of the square is scaled, up, so that the short side fits.
	CropOnly Policy = iota
	// Squash scales both sides, without regard to the aspect.
	Squash
	// ShorterSide scales the shorter side and cuts the square out, as
	// torchvision's Resize and CenterCrop, and timm's default.
	ShorterSide
	// LongerSide scales the longer side and pads the other.
	LongerSide
	// Letterbox is LongerSide with the arithmetic of YOLO.
	Letterbox
	policies
)

var policyNames = [policies]string{"crop", "squash", "shorter-side", "longer-side", "letterbox"}

// Policies returns the names of all policies.
func Policies() []string { return policyNames[:] }

// String returns the name that configs use.
func (p Policy) String() string {
	if p >= policies {
		return fmt.Sprintf("Policy(%d)", uint8(p))
	}
	return policyNames[p]
}

// ParsePolicy returns the policy of that name.
func ParsePolicy(name string) (Policy, bool) { return parse[Policy](name, policyNames[:]) }

// Scaling says how an image is scaled. The zero value is [CropOnly], which scales
// small images up with [Bicubic].
type Scaling struct {
	Policy        Policy
	Interpolation Interpolation
	// Side is the side that is scaled, in pixels: the shorter one with
	// ShorterSide, the longer one with LongerSide, both with Squash. What
	// exceeds the square is cut off on both sides. 0 is the side of the square.
	Side int
	// Pad is the color around an image that does not fill the square: red,
	// green, blue.
	Pad [3]uint8
}

// MaxSide is the largest Side.
const MaxSide = 1 << 13

// Check returns an error unless the scaling makes sense for a square of size
// pixels.
func (s Scaling) Check(size int) error {
	switch {
	case s.Policy >= policies:
		return fmt.Errorf("there is no policy %d", s.Policy)
	case s.Interpolation >= interpolations:
		return fmt.Errorf("there is no interpolation %d", s.Interpolation)
	case s.Side != 0 && (s.Policy == CropOnly || s.Policy == Letterbox):
		return fmt.Errorf("the policy %s scales to no side of its own, but %d is given", s.Policy, s.Side)
	case s.Side != 0 && (s.Side < size || s.Side > MaxSide):
		return fmt.Errorf("a side of %d pixels for a square of %d: it must be %d to %d", s.Side, size, size, MaxSide)
	}
	return nil
}

// side is the side that is scaled.
func (s Scaling) side(size int) int {
	if s.Side == 0 {
		return size
	}
	return s.Side
}

// MaxViews returns the number of test-time views that differ: [MaxViews] where
// a part is cut out of the image, 2 where all of it is seen.
func (s Scaling) MaxViews(size int) int {
	if s.Policy == CropOnly || s.Policy == ShorterSide || s.side(size) > size {
		return MaxViews
	}
	return 2
}

// MaxViews is the largest number of test-time views of an image.
const MaxViews = 6

// maxAspect is the longest image that CropOnly scales up whole, in multiples of its
// short side; of longer ones the middle is taken.
const maxAspect = 32

// sizes returns the size of a w x h image after scaling for a square of size
// pixels.
func (s Scaling) sizes(w, h, size int) (int, int) {
	side := s.side(size)
	switch s.Policy {
	case CropOnly:
		short := min(w, h)
		if short >= size {
			return w, h
		}
		return (w*size + short/2) / short, (h*size + short/2) / short
	case Squash:
		return side, side
	case ShorterSide:
		return s.scaled(w, h, side, min(w, h))
	}
	return s.scaled(w, h, side, max(w, h))
}

// scaled scales w and h so that the side from becomes the side to.
func (s Scaling) scaled(w, h, to, from int) (int, int) {
	each := func(side int) int {
		var v float64
		switch {
		case s.Policy == Letterbox || s.Interpolation.opencv():
			// Albumentations' and YOLO's: Python's round of side * scale.
			v = math.RoundToEven(float64(side) * (float64(to) / float64(from)))
		case side == from:
			return to
		case s.Policy == ShorterSide: // torchvision's int(size * long / short)
			v = math.Floor(float64(to*side) / float64(from))
		default: // timm's ResizeKeepRatio
			v = math.RoundToEven(float64(side) / (float64(from) / float64(to)))
		}
		return max(1, int(v))
	}
	return each(w), each(h)
}

// offset returns where the square starts on a side that has free pixels more
// than the square. It is negative where the side is padded. place is the number
// of halves of the free pixels: 1 is the middle.
func (s Scaling) offset(free, place int) int {
	switch {
	case s.Policy == Letterbox: // ultralytics rounds half the padding less 0.1
		return -int(math.RoundToEven(float64(-free)/2 - 0.1))
	case free < 0: // the odd pixel is after the image
		return -(-free / 2)
	case place != 1 || s.Policy == CropOnly || s.Interpolation.opencv():
		return free * place / 2
	}
	return int(math.RoundToEven(float64(free) / 2)) // torchvision's CenterCrop
}
