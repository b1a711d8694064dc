package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// resizing are the operators that interpolate.
var resizing = map[string]operator{
	"Resize":   {least: 1, most: 4, since: 10, run: resize},
	"Upsample": {least: 1, most: 2, since: 7, run: upsample},
}

// resampling says how one operator interpolates.
type resampling struct {
	mode, nearest, coordinates string
	cubic                      float64
	excludeOutside             bool
}

// upsample is the form of Resize until operator set 9.
func upsample(c *call) {
	scales := c.scales(1)
	if a := c.attribute("scales", onnx.Floats); a != nil {
		scales = a.Floats
	}
	c.resample(indices(0, c.in[0].Rank()), scales, nil, resampling{
		mode: c.text("mode", "nearest"), nearest: "floor", coordinates: "asymmetric",
	})
}

func resize(c *call) {
	x := c.in[0]
	on := indices(0, x.Rank())
	if list := c.ints("axes"); list != nil {
		on = c.axes(list, x.Rank())
	}
	r := resampling{
		mode: c.text("mode", "nearest"), nearest: c.text("nearest_mode", "round_prefer_floor"),
		coordinates: c.text("coordinate_transformation_mode", "half_pixel"),
		cubic:       c.float("cubic_coeff_a", -0.75), excludeOutside: c.int("exclude_outside", 0) != 0,
	}
	if c.int("antialias", 0) != 0 {
		c.fail("antialias is not supported")
	}
	if c.node.Opset < 11 {
		r.nearest, r.coordinates = "floor", "asymmetric"
		c.resample(on, c.scales(1), nil, r)
		return
	}
	sizes, ok := c.constants(3)
	if !ok || len(sizes) == 0 {
		c.resample(on, c.scales(2), nil, r)
		return
	}
	if len(sizes) != len(on) {
		c.fail("%d sizes do not fit %d axes", len(sizes), len(on))
		return
	}
	scales := make([]float64, len(on))
	for i, axis := range on {
		scales[i] = float64(sizes[i]) / float64(max(1, x.Shape[axis]))
	}
	switch policy := c.text("keep_aspect_ratio_policy", "stretch"); policy {
	case "not_larger":
		scales = slices.Repeat([]float64{slices.Min(scales)}, len(on))
	case "not_smaller":
		scales = slices.Repeat([]float64{slices.Max(scales)}, len(on))
	case "stretch":
		c.resample(on, scales, sizes, r)
		return
	default:
		c.fail("its keep_aspect_ratio_policy %q is not supported", policy)
		return
	}
	for i, axis := range on {
		sizes[i] = int(scales[i]*float64(x.Shape[axis]) + 0.5)
	}
	c.resample(on, scales, sizes, r)
}

// scales returns the elements of an input of floating-point constants.
func (c *call) scales(i int) []float64 {
	x := c.in[i]
	if x == nil || !x.Known() {
		if x != nil {
			c.fail("its scales must be constants: %w", errConstant)
		}
		return nil
	}
	return x.Float64s()
}

// resample interpolates along each axis in turn. sizes may be nil; then they follow
// from the scales.
func (c *call) resample(on []int, scales []float64, sizes []int, r resampling) {
	x := c.in[0]
	if len(scales) != len(on) {
		c.fail("%d scales do not fit %d axes", len(scales), len(on))
		return
	}
	shape := slices.Clone(x.Shape)
	taps := make([][]tap, len(on))
	for i, axis := range on {
		if !(scales[i] > 0) || scales[i]*float64(shape[axis]) > maxElements {
			c.fail("it cannot scale by %v", scales[i])
			return
		}
		out := int(math.Floor(scales[i] * float64(shape[axis])))
		if sizes != nil {
			out = sizes[i]
		}
		c.taps(shape[axis], min(out, 1), scales[i], r) // fails if the mode is unknown
		shape[axis] = out
	}
	if !c.plan(x.Type, shape) {
		return
	}
	for i, axis := range on {
		taps[i] = c.taps(x.Shape[axis], shape[axis], scales[i], r)
	}
	v, shape := x.Float64s(), slices.Clone(x.Shape)
	for i, axis := range on {
		if len(taps[i]) == shape[axis] && scales[i] == 1 {
			continue
		}
		v = interpolate(v, shape, axis, taps[i])
		shape[axis] = len(taps[i])
	}
	c.set(v)
}

// tap lists the elements that one element of the result is the weighted sum of.
type tap struct {
	at     []int
	weight []float64
}

func interpolate(v []float64, shape []int, axis int, taps []tap) []float64 {
	inner, side := tensor.Len(shape[axis+1:]), shape[axis]
	outer := tensor.Len(shape[:axis])
	out := make([]float64, 0, outer*len(taps)*inner)
	for o := range outer {
		for _, t := range taps {
			first := len(out)
			out = append(out, make([]float64, inner)...)
			for k, at := range t.at {
				for i := range inner {
					out[first+i] += t.weight[k] * v[(o*side+at)*inner+i]
				}
			}
		}
	}
	return out
}

// taps returns the taps of each of out elements along an axis of in elements.
func (c *call) taps(in, out int, scale float64, r resampling) []tap {
	if out < 0 || out > maxElements || in == 0 {
		c.fail("it cannot resize %d to %d", in, out)
		return nil
	}
	taps := make([]tap, out)
	for i := range taps {
		x := c.source(float64(i), in, out, scale, r.coordinates)
		floor := math.Floor(x)
		ratio := x - floor
		first, weight := int(floor), []float64{1}
		switch r.mode {
		case "nearest":
			first = c.nearest(x, r.nearest)
		case "linear", "bilinear", "trilinear":
			weight = []float64{1 - ratio, ratio}
		case "cubic":
			first--
			weight = cubic(ratio, r.cubic)
		default:
			c.fail("its mode %q is not supported", r.mode)
			return nil
		}
		taps[i] = newTap(first, weight, in, r.excludeOutside)
	}
	return taps
}

// newTap clamps indices to the axis. It may ignore those outside instead.
func newTap(first int, weight []float64, in int, excludeOutside bool) (t tap) {
	total := 0.0
	for k, w := range weight {
		at := max(0, min(in-1, first+k))
		if excludeOutside && at != first+k {
			continue
		}
		t.at, t.weight = append(t.at, at), append(t.weight, w)
		total += w
	}
	if excludeOutside {
		for k := range t.weight {
			t.weight[k] /= total
		}
	}
	return t
}

// source returns the coordinate in the input of an element of the output (ONNX,
// "Resize", coordinate_transformation_mode).
func (c *call) source(i float64, in, out int, scale float64, mode string) float64 {
	width := scale * float64(in)
	switch mode {
	case "half_pixel":
		return (i+0.5)/scale - 0.5
	case "half_pixel_symmetric":
		center := float64(in) / 2
		return center*(1-float64(out)/width) + (i+0.5)/scale - 0.5
	case "pytorch_half_pixel":
		if width == 1 {
			return -0.5
		}
		return (i+0.5)/scale - 0.5
	case "align_corners":
		if width == 1 {
			return 0
		}
		return i * float64(in-1) / (width - 1)
	case "asymmetric":
		return i / scale
	}
	c.fail("its coordinate_transformation_mode %q is not supported", mode)
	return 0
}

func (c *call) nearest(x float64, mode string) int {
	switch mode {
	case "round_prefer_floor":
		return int(math.Ceil(x - 0.5))
	case "round_prefer_ceil":
		return int(math.Floor(x + 0.5))
	case "floor":
		return int(math.Floor(x))
	case "ceil":
		return int(math.Ceil(x))
	}
	c.fail("its nearest_mode %q is not supported", mode)
	return 0
}

// cubic returns the weights of the four neighbors (Keys, "Cubic Convolution
// Interpolation for Digital Image Processing").
func cubic(t, a float64) []float64 {
	near := func(x float64) float64 { return ((a+2)*x-(a+3))*x*x + 1 }
	far := func(x float64) float64 { return ((a*x-5*a)*x+8*a)*x - 4*a }
	return []float64{far(t + 1), near(t), near(1 - t), far(2 - t)}
}
