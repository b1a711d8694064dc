package importer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// resize recognizes interpolations. Each axis is interpolated on its own, by a matrix
// that the interpreter computes. If it repeats every element equally often, nothing is
// drawn.
func (d *drawing) resize(n *onnx.Node) (part, error) {
	from, to := d.values[n.Inputs[0]].Shape, d.values[n.Outputs[0]].Shape
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		v := in[0]
		for axis := range from {
			if from[axis] == to[axis] {
				continue
			}
			matrix, err := d.interpolation(n, axis, from, to)
			if err != nil {
				return nil, err
			}
			if by := to[axis] / from[axis]; repeatsEach(matrix, from[axis], to[axis], by) {
				v = v.with(v.node)
				v.axes = slices.Clone(v.axes)
				v.axes[axis] = append(slices.Clone(v.axes[axis]), nn.Digit{Size: by})
				continue
			}
			perm := d.axes(v)
			last := len(perm) - 1
			perm[axis], perm[last] = last, axis
			y, err := d.linearLayer(&onnx.Node{Inputs: []string{"", fmt.Sprint(n.Outputs[0], axis)}}, v.permute(perm), matrix, to[axis], nil)
			if err != nil {
				return nil, err
			}
			v = y.permute(perm)
		}
		return v, nil
	}}, nil
}

// interpolation returns the matrix (from, to) by which a node interpolates an axis.
func (d *drawing) interpolation(n *onnx.Node, axis int, from, to []int) ([]float32, error) {
	const most = 1 << 22
	if from[axis]*from[axis] > most || from[axis]*to[axis] > most {
		return nil, errors.New("its axes are too long")
	}
	// Interpolating the rows of a unit matrix along one axis gives the axis's matrix.
	one := *n
	one.Inputs, one.Outputs = []string{"x", "", "scales"}, []string{"y"}
	rank := len(from)
	other := (axis + 1) % rank
	shape, scales := slices.Repeat([]int{1}, rank), slices.Repeat([]float64{1}, rank)
	shape[axis], shape[other] = from[axis], from[axis]
	scales[axis] = float64(to[axis]) / float64(from[axis])
	unit := make([]float64, from[axis]*from[axis])
	for i := range from[axis] {
		unit[i*from[axis]+i] = 1
	}
	g := &onnx.Graph{Nodes: []*onnx.Node{&one}, Inputs: []onnx.Value{{Name: "x"}, {Name: "scales"}}, Outputs: []onnx.Value{{Name: "y"}}}
	values := reference.Values{"x": tensor.Floats(onnx.Float32, shape, unit)}
	given := d.constant(d.in(n, 3))
	switch axes := n.Attribute("axes"); {
	case n.Opset >= 11 && given != nil && given.Len() > 0:
		sizes := slices.Clone(shape)
		sizes[axis] = to[axis]
		one.Inputs = []string{"x", "", "", "sizes"}
		g.Inputs[1].Name = "sizes"
		values["sizes"] = tensor.Ints(onnx.Int64, []int{rank}, widenInts(sizes))
	default:
		if c := d.constant(d.in(n, min(2, len(n.Inputs)-1))); c != nil && c.Len() == rank && axes == nil {
			scales[axis] = c.Float64s()[axis]
		}
		if n.Opset < 11 {
			one.Inputs = []string{"x", "scales"}
		}
		values["scales"] = tensor.Floats(onnx.Float32, []int{rank}, scales)
	}
	one.Attributes = slices.DeleteFunc(slices.Clone(n.Attributes), func(a *onnx.Attribute) bool {
		return slices.Contains([]string{"axes", "scales", "keep_aspect_ratio_policy"}, a.Name)
	})
	out, err := reference.Run(d.ctx, &onnx.Model{Graph: g}, values)
	if err != nil {
		return nil, err
	}
	y := out["y"]
	if y.Shape[axis] != to[axis] {
		return nil, fmt.Errorf("networks cannot resize %v to %v", from, to)
	}
	perm := make([]int, 0, rank)
	for i := range rank {
		if i != axis && i != other {
			perm = append(perm, i)
		}
	}
	return y.Permute(append(perm, other, axis)).Float32s(), nil
}

func widenInts(v []int) []int64 {
	out := make([]int64, len(v))
	for i, n := range v {
		out[i] = int64(n)
	}
	return out
}

// repeatsEach reports whether a matrix (from, to) repeats each element so many times.
func repeatsEach(matrix []float32, from, to, times int) bool {
	if from*times != to {
		return false
	}
	for i := range from {
		for j := range to {
			want := float32(0)
			if j/times == i {
				want = 1
			}
			if matrix[i*to+j] != want {
				return false
			}
		}
	}
	return true
}

// convTranspose recognizes transposed convolutions: every pixel of a coarse grid has one
// output for each place in a block of strides, which a convolution computes (see
// "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009).
func (d *drawing) convTranspose(n *onnx.Node) (part, error) {
	w, bias := d.constant(n.Inputs[1]), d.constant(d.in(n, 2))
	switch {
	case w == nil || d.in(n, 2) != "" && bias == nil:
		return part{}, errors.New("its weights are no constants")
	case w.Rank() != 4:
		return part{}, errors.New("networks have transposed convolutions of two dimensions only")
	}
	w, err := dilated(w, pair(n, "dilations", 4))
	if err != nil {
		return part{}, err
	}
	from, to := d.values[n.Inputs[0]].Shape, d.values[n.Outputs[0]].Shape
	strides, groups := pair(n, "strides", 4), integer(n, "group", 1)
	extra := integers(n, "output_padding", 2, 0)
	first := integers(n, "pads", 4, 0)
	for i, stride := range []int{strides.H, strides.W} {
		total := stride*(from[2+i]-1) + extra[i] + w.Shape[2+i] - to[2+i]
		if a := n.Attribute("auto_pad"); a != nil && a.String == "SAME_UPPER" {
			first[i] = total / 2
		} else if n.Attribute("output_shape") != nil || a != nil && a.String == "SAME_LOWER" {
			first[i] = total - total/2
		}
		if first[i] < 0 {
			return part{}, errors.New("its padding is negative")
		}
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x, err := d.image(in[0])
		if err != nil {
			return nil, err
		}
		s := subpixels{w: w, strides: strides, groups: groups}
		taps := nn.HW{H: (w.Shape[2] + strides.H - 1) / strides.H, W: (w.Shape[3] + strides.W - 1) / strides.W}
		grid := nn.HW{H: (first[0]+to[2]-1)/strides.H + 1, W: (first[1]+to[3]-1)/strides.W + 1}
		border := nn.Border{Top: taps.H - 1, Left: taps.W - 1, Bottom: grid.H - from[2], Right: grid.W - from[3]}
		if border != (nn.Border{}) {
			x = d.b.Pad(x, border)
		}
		name := d.layer("conv", "")
		out := to[1] * strides.H * strides.W
		d.param(name, nn.Weight, []int{out, from[1] / groups, taps.H, taps.W}, s.weights(taps))
		if bias != nil {
			var b []float32
			for _, v := range bias.Float32s() {
				b = append(b, slices.Repeat([]float32{v}, strides.H*strides.W)...)
			}
			d.param(name, nn.Bias, []int{out}, b)
		}
		y := nchw(d.b.Conv(name, x, nn.Conv2d{Out: out, Window: taps, Groups: groups, Bias: bias != nil}))
		v := d.reshaped(y, []int{1, to[1], strides.H, strides.W, grid.H, grid.W}).permute([]int{0, 1, 4, 2, 5, 3})
		v = d.reshaped(v, []int{1, to[1], grid.H * strides.H, grid.W * strides.W})
		return d.sliced(d.sliced(v, 2, first[0], to[2], 1), 3, first[1], to[3], 1), nil
	}}, nil
}

// subpixels turns weights of a transposed convolution, (in, out/groups, h, w), into those
// of a convolution with one output for each place in a block of strides.
type subpixels struct {
	w       *tensor.Tensor
	strides nn.HW
	groups  int
}

// weights returns (out, place, in/groups, h, w). Tap i of a place, from the end, is the
// i-th in steps of the stride.
func (s subpixels) weights(taps nn.HW) []float32 {
	elements, shape := s.w.Float32s(), s.w.Shape
	in, out := shape[0]/s.groups, shape[1]
	var all []float32
	for o := range out * s.groups {
		for place := range s.strides.H * s.strides.W {
			for i := range in {
				for tap := range taps.H * taps.W {
					y := place/s.strides.W + (taps.H-1-tap/taps.W)*s.strides.H
					x := place%s.strides.W + (taps.W-1-tap%taps.W)*s.strides.W
					v := float32(0)
					if y < shape[2] && x < shape[3] {
						v = elements[(((o/out*in+i)*out+o%out)*shape[2]+y)*shape[3]+x]
					}
					all = append(all, v)
				}
			}
		}
	}
	return all
}
