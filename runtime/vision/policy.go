package vision

import (
	"fmt"
	"math"
)

// Policy is a way to turn an image of any size into the square that a network reads.
type Policy uint8

// The policies. docs/images.md explains the arithmetic of each.
const (
	// CropOnly cuts out the square. It scales an image only if its short side is
	// less than the square's, so that the short side fits.
	CropOnly Policy = iota
	// Squash scales both sides to the square, and changes the aspect ratio.
	Squash
	// ShorterSide scales the shorter side and cuts out the square, like
	// torchvision's Resize and CenterCrop, and timm by default.
	ShorterSide
	// LongerSide scales the longer side and pads the shorter one.
	LongerSide
	// Letterbox is LongerSide with the rounding of YOLO.
	Letterbox
	policies
)

var policyNames = [policies]string{"crop", "squash", "shorter-side", "longer-side", "letterbox"}

// Policies returns the names of all policies, in the order of their values.
func Policies() []string { return policyNames[:] }

// String returns the name in training configs.
func (p Policy) String() string {
	if p >= policies {
		return fmt.Sprintf("Policy(%d)", uint8(p))
	}
	return policyNames[p]
}

// ParsePolicy returns the policy with this name, and whether there is one.
func ParsePolicy(name string) (Policy, bool) { return parse[Policy](name, policyNames[:]) }

// Scaling describes how an image is scaled. The zero value is [CropOnly] with
// [Bicubic].
type Scaling struct {
	Policy        Policy
	Interpolation Interpolation
	// Side is the length of the scaled side in pixels: the shorter one for
	// ShorterSide, the longer one for LongerSide, both for Squash. Pixels outside
	// of the square are cut off on both sides. 0 means the side of the square.
	Side int
	// Pad is the color around an image that does not fill the square: red, green
	// and blue.
	Pad [3]uint8
}

// MaxSide is the maximum of Scaling.Side.
const MaxSide = 1 << 13

// Check returns an error unless the scaling makes sense for a square of size
// Check returns an error if the scaling is not valid for a square of size pixels.
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

// side returns the length that a side is scaled to.
func (s Scaling) side(size int) int {
	if s.Side == 0 {
		return size
	}
	return s.Side
}

// MaxViews returns the number of distinct test-time views for a square of size
// pixels: [MaxViews] if it shows a part of the image, 2 if it shows all of it.
func (s Scaling) MaxViews(size int) int {
	if s.Policy == CropOnly || s.Policy == ShorterSide || s.side(size) > size {
		return MaxViews
	}
	return 2
}

// MaxViews is the maximum number of test-time views of an image.
const MaxViews = 6

// maxAspect is the aspect ratio up to which CropOnly scales up a whole image. Of
// longer images it takes the middle.
const maxAspect = 32

// sizes returns the size of a w x h image after scaling for a square of size pixels.
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

// scaled returns w and h times to/from, rounded as the policy's library does.
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

// offset returns the start of the square on a side with free more pixels than the
// square. It is negative if the side is padded. place counts halves of the free
// pixels: 1 is the middle.
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
