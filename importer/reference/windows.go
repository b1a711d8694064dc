package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// windows are the operators that slide a window over space.
var windows = map[string]operator{
	"AveragePool":       {least: 1, most: 1, run: averagePool},
	"Conv":              {least: 2, most: 3, run: conv},
	"ConvTranspose":     {least: 2, most: 3, run: convTranspose},
	"GlobalAveragePool": {least: 1, most: 1, run: func(c *call) { globalPool(c, average) }},
	"GlobalMaxPool":     {least: 1, most: 1, run: func(c *call) { globalPool(c, maximum) }},
	"LRN":               {least: 1, most: 1, run: lrn},
	"MaxPool":           {least: 1, most: 1, run: maxPool},
}

// window is a sliding window in up to three dimensions of space. Fewer dimensions have
// leading sides of 1.
type window struct {
	in, kernel, stride, dilation, before, after, out [3]int
}

// lift puts leading dimensions before a list.
func lift(list []int, otherwise int) (out [3]int) {
	for i := range out {
		out[i] = otherwise
		if j := i - 3 + len(list); j >= 0 {
			out[i] = list[j]
		}
	}
	return out
}

// window reads the attributes of a window of the given kernel. It computes padding and
// output, unless transposed is true.
func (c *call) window(spatial, kernel []int, transposed bool) (w window) {
	n := len(spatial)
	if n < 1 || n > 3 {
		c.fail("it needs one to three dimensions of space, not %d", n)
		return w
	}
	if len(kernel) != n {
		c.fail("its window %v does not fit %d dimensions of space", kernel, n)
		return w
	}
	pads := c.intsOr("pads", 2*n, 0)
	w = window{
		in: lift(spatial, 1), kernel: lift(kernel, 1),
		stride: lift(c.intsOr("strides", n, 1), 1), dilation: lift(c.intsOr("dilations", n, 1), 1),
		before: lift(pads[:n], 0), after: lift(pads[n:], 0),
	}
	for i := range 3 {
		if w.kernel[i] < 1 || w.stride[i] < 1 || w.dilation[i] < 1 || w.kernel[i] > 1<<16 || w.dilation[i] > 1<<16 || w.in[i] < 1 {
			c.fail("a window %v with strides %v and dilations %v is impossible for %v", w.kernel, w.stride, w.dilation, spatial)
			return w
		}
	}
	if !transposed {
		c.slide(&w)
	}
	return w
}

// span returns how many pixels a window covers along axis i.
func (w *window) span(i int) int { return (w.kernel[i]-1)*w.dilation[i] + 1 }

// slide computes the number of positions. In ceil mode the last window must start
// within the input or the padding before it.
func (c *call) slide(w *window) {
	auto, ceil := c.text("auto_pad", "NOTSET"), c.int("ceil_mode", 0) != 0
	for i := range 3 {
		switch auto {
		case "NOTSET", "":
		case "VALID":
			w.before[i], w.after[i] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			out := (w.in[i] + w.stride[i] - 1) / w.stride[i]
			w.before[i], w.after[i] = halves(auto, max(0, (out-1)*w.stride[i]+w.span(i)-w.in[i]))
		default:
			c.fail("its auto_pad %q is not supported", auto)
			return
		}
		free := w.in[i] + w.before[i] + w.after[i] - w.span(i)
		if free < 0 || w.before[i] < 0 || w.after[i] < 0 {
			c.fail("a window of %d pixels does not fit %d with padding of %d and %d", w.span(i), w.in[i], w.before[i], w.after[i])
			return
		}
		w.out[i] = free/w.stride[i] + 1
		if ceil && free%w.stride[i] != 0 && w.out[i]*w.stride[i] < w.in[i]+w.before[i] {
			w.out[i]++
		}
	}
}

// halves divides padding; the odd pixel lies after the image for SAME_UPPER. Negative
// padding, which transposed convolutions may have, is rounded down.
func halves(auto string, total int) (before, after int) {
	half := total >> 1
	if auto == "SAME_UPPER" {
		return half, total - half
	}
	return total - half, half
}

// shape returns the shape of an output with n dimensions of space.
func (w *window) shape(images, channels, n int) []int {
	return append([]int{images, channels}, w.out[3-n:]...)
}

// taps calls visit for each output position and each pixel of its window that lies in
// the image, by their places in one plane. Padding pixels are not visited.
func (w *window) taps(visit func(out, in, tap int)) {
	w.positions(func(out int, at [3]int) {
		tap := 0
		for kd := range w.kernel[0] {
			d := at[0]*w.stride[0] - w.before[0] + kd*w.dilation[0]
			for kh := range w.kernel[1] {
				h := at[1]*w.stride[1] - w.before[1] + kh*w.dilation[1]
				inside := d >= 0 && d < w.in[0] && h >= 0 && h < w.in[1]
				for kw := range w.kernel[2] {
					if x := at[2]*w.stride[2] - w.before[2] + kw*w.dilation[2]; inside && x >= 0 && x < w.in[2] {
						visit(out, (d*w.in[1]+h)*w.in[2]+x, tap)
					}
					tap++
				}
			}
		}
	})
}

func (w *window) positions(visit func(out int, at [3]int)) {
	out := 0
	for d := range w.out[0] {
		for h := range w.out[1] {
			for x := range w.out[2] {
				visit(out, [3]int{d, h, x})
				out++
			}
		}
	}
}

func (w *window) inputs() int  { return w.in[0] * w.in[1] * w.in[2] }
func (w *window) outputs() int { return w.out[0] * w.out[1] * w.out[2] }

// kernelOf returns the window's sides from the attribute, or else from the weights.
func (c *call) kernelOf(weights *tensor.Tensor) []int {
	if k := c.ints("kernel_shape"); k != nil {
		if weights.Rank() < 2 || !slices.Equal(k, weights.Shape[2:]) {
			c.fail("its kernel_shape %v does not fit the weights %v", k, weights)
		}
		return k
	}
	if weights.Rank() < 3 {
		c.fail("the weights %v have no window", weights)
		return nil
	}
	return weights.Shape[2:]
}

func conv(c *call) {
	x, weights, bias := c.in[0], c.in[1], c.in[2]
	if !c.rank(0, 3) || weights.Rank() != x.Rank() {
		c.fail("the weights %v do not fit %v", weights, x)
		return
	}
	w := c.window(x.Shape[2:], c.kernelOf(weights), false)
	groups, outs, ins := c.int("group", 1), weights.Shape[0], weights.Shape[1]
	if groups < 1 || outs%max(1, groups) != 0 || x.Shape[1] != ins*groups {
		c.fail("the weights %v do not fit %v in %d groups", weights, x, groups)
	}
	c.channels(2, outs)
	if !c.plan(x.Type, w.shape(x.Shape[0], outs, x.Rank()-2)) {
		return
	}
	taps := tensor.Len(w.kernel[:])
	c.cost(c.out[0].Len(), ins, taps)
	if c.err != nil {
		return
	}
	v, k := x.Float64s(), weights.Float64s()
	out := make([]float64, c.out[0].Len())
	pixels := w.outputs()
	columns := make([]float64, taps*pixels) // the window's pixels of one plane
	for image := range x.Shape[0] {
		for in := range x.Shape[1] {
			plane := v[(image*x.Shape[1]+in)*w.inputs():]
			clear(columns)
			w.taps(func(o, i, tap int) { columns[tap*pixels+o] = plane[i] })
			group := in / ins
			for o := group * (outs / groups); o < (group+1)*(outs/groups); o++ {
				to := out[(image*outs+o)*pixels:][:pixels]
				for tap := range taps {
					f := k[(o*ins+in%ins)*taps+tap]
					for i, p := range columns[tap*pixels:][:pixels] {
						to[i] += f * p
					}
				}
			}
		}
	}
	addBias(out, bias, outs, pixels)
	c.set(out)
}

// addBias adds a number per channel, if there are any.
func addBias(out []float64, bias *tensor.Tensor, channels, pixels int) {
	if bias == nil {
		return
	}
	b := bias.Float64s()
	for i := range out {
		out[i] += b[i/pixels%channels]
	}
}

// convTranspose is the gradient of a convolution: each input pixel adds its window to
// the output.
func convTranspose(c *call) {
	x, weights, bias := c.in[0], c.in[1], c.in[2]
	if !c.rank(0, 3) || weights.Rank() != x.Rank() {
		c.fail("the weights %v do not fit %v", weights, x)
		return
	}
	n := x.Rank() - 2
	w := c.window(x.Shape[2:], c.kernelOf(weights), true)
	groups, ins, outs := c.int("group", 1), weights.Shape[0], weights.Shape[1]
	if groups < 1 || ins%max(1, groups) != 0 || x.Shape[1] != ins {
		c.fail("the weights %v do not fit %v in %d groups", weights, x, groups)
		return
	}
	c.channels(2, outs*groups)
	c.transposedOutput(&w, n)
	if !c.plan(x.Type, w.shape(x.Shape[0], outs*groups, n)) {
		return
	}
	taps := tensor.Len(w.kernel[:])
	c.cost(x.Len(), outs, taps)
	if c.err != nil {
		return
	}
	// Swap the sides: a window over the output visits the input's positions.
	back := w
	back.in, back.out = w.out, w.in
	v, k := x.Float64s(), weights.Float64s()
	out := make([]float64, c.out[0].Len())
	for image := range x.Shape[0] {
		for in := range ins {
			plane := v[(image*ins+in)*w.inputs():]
			for o := range outs {
				to := out[((image*groups+in/(ins/groups))*outs+o)*w.outputs():]
				f := k[(in*outs+o)*taps:]
				back.taps(func(from, at, tap int) { to[at] += plane[from] * f[tap] })
			}
		}
	}
	addBias(out, bias, outs*groups, w.outputs())
	c.set(out)
}

// transposedOutput computes padding and output of a transposed convolution.
func (c *call) transposedOutput(w *window, n int) {
	extra := lift(c.intsOr("output_padding", n, 0), 0)
	auto, want := c.text("auto_pad", "NOTSET"), c.ints("output_shape")
	if len(want) > n {
		want = want[len(want)-n:] // old files have the batch and the channels too
	}
	for i := range 3 {
		full := w.stride[i]*(w.in[i]-1) + extra[i] + w.span(i)
		d := i - 3 + n // the axis of space, negative for added ones
		switch {
		case want != nil && d >= 0:
			if len(want) != n {
				c.fail("its output_shape has %d numbers, not %d", len(want), n)
				return
			}
			w.out[i] = want[d]
			w.before[i], w.after[i] = halves(auto, full-want[d])
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			w.out[i] = w.in[i] * w.stride[i]
			w.before[i], w.after[i] = halves(auto, full-w.out[i])
		default:
			w.out[i] = full - w.before[i] - w.after[i]
		}
		if w.out[i] < 1 {
			c.fail("its output would have a side of %d", w.out[i])
			return
		}
	}
}

// pool combines the pixels of each window. finish gets the sum or maximum, and how
// many pixels it has: those in the image, and those in image and padding.
func pool(c *call, first float64, combine func(acc, v float64) float64, finish func(acc float64, inside, padded int) float64) {
	x := c.in[0]
	if !c.rank(0, 3) {
		return
	}
	w := c.window(x.Shape[2:], c.ints("kernel_shape"), false)
	if !c.plan(x.Type, w.shape(x.Shape[0], x.Shape[1], x.Rank()-2)) {
		return
	}
	c.cost(c.out[0].Len(), tensor.Len(w.kernel[:]))
	if c.err != nil {
		return
	}
	inside, padded := make([]int, w.outputs()), make([]int, w.outputs())
	w.taps(func(out, _, _ int) { inside[out]++ })
	w.positions(func(out int, at [3]int) {
		padded[out] = 1
		for i := range 3 {
			// Pixels behind the padding, which ceil mode reaches, do not count.
			space := w.in[i] + w.before[i] + w.after[i] - at[i]*w.stride[i]
			padded[out] *= min(w.kernel[i], (space+w.dilation[i]-1)/w.dilation[i])
		}
	})
	v := x.Float64s()
	out := slices.Repeat([]float64{first}, c.out[0].Len())
	for plane := range x.Shape[0] * x.Shape[1] {
		from, to := v[plane*w.inputs():], out[plane*w.outputs():]
		w.taps(func(o, i, _ int) { to[o] = combine(to[o], from[i]) })
	}
	for i, v := range out {
		o := i % w.outputs()
		out[i] = finish(v, inside[o], padded[o])
	}
	c.set(out)
}

func averagePool(c *call) {
	whole := c.int("count_include_pad", 0) != 0
	pool(c, 0, sum, func(acc float64, inside, padded int) float64 {
		if whole {
			return acc / float64(padded)
		}
		return acc / float64(inside)
	})
}

func maxPool(c *call) {
	pool(c, math.Inf(-1), math.Max, func(acc float64, _, _ int) float64 { return acc })
}

func average(v []float64) float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return total / float64(len(v))
}

func maximum(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = math.Max(top, x)
	}
	return top
}

// globalPool reduces all dimensions of space to 1.
func globalPool(c *call, reduce func([]float64) float64) {
	x := c.in[0]
	if !c.rank(0, 2) {
		return
	}
	shape := slices.Repeat([]int{1}, x.Rank())
	copy(shape, x.Shape[:2])
	if !c.plan(x.Type, shape) {
		return
	}
	v, n := x.Float64s(), tensor.Len(x.Shape[2:])
	out := make([]float64, tensor.Len(shape))
	for i := range out {
		out[i] = reduce(v[i*n : (i+1)*n])
	}
	c.set(out)
}

// lrn divides by a sum of squares over neighboring channels ("ImageNet Classification
// with Deep Convolutional Neural Networks", section 3.3).
func lrn(c *call) {
	x := c.in[0]
	size := c.int("size", 0)
	alpha, beta, bias := c.float("alpha", 1e-4), c.float("beta", 0.75), c.float("bias", 1)
	if !c.rank(0, 2) || size < 1 {
		c.fail("its size %d is impossible", size)
		return
	}
	if !c.plan(x.Type, x.Shape) {
		return
	}
	v := x.Float64s()
	out := make([]float64, len(v))
	lines(x.Shape, 1, func(first, stride int) {
		for i := range x.Shape[1] {
			squares := 0.0
			for j := max(0, i-(size-1)/2); j <= min(x.Shape[1]-1, i+size/2); j++ {
				squares += v[first+j*stride] * v[first+j*stride]
			}
			out[first+i*stride] = v[first+i*stride] / math.Pow(bias+alpha/float64(size)*squares, beta)
		}
	})
	c.set(out)
}
