package importer

import (
	"errors"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// norm is a layer norm: its first axis, to the last, and its epsilon.
type norm struct {
	axis int
	eps  float64
}

// layerNorm recognizes normalizations over the channels of each pixel.
func (d *drawing) layerNorm(n *onnx.Node) (part, error) {
	scale, shift := d.constant(n.Inputs[1]), d.constant(d.in(n, 2))
	if scale == nil || d.in(n, 2) != "" && shift == nil {
		return part{}, errors.New("its parameters are no constants")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		axis := axisOf(n, -1, len(in[0].axes))
		var axes []int
		for i := axis; i < len(in[0].axes); i++ {
			axes = append(axes, i)
		}
		x := d.channels(in[0], axes...)
		parameter := func(c *tensor.Tensor) []float64 {
			if c == nil {
				return nil
			}
			v, _ := x.perChannel(c)
			return v
		}
		return d.drawNorm(x, norm{axis, float(n, "epsilon", 1e-5)}, n.Inputs[1], parameter(scale), parameter(shift))
	}}, nil
}

// drawNorm draws a layer norm of the channels, or over an axis if there is no scale.
// weight is the name of the scales in the file.
func (d *drawing) drawNorm(x *value, n norm, weight string, scale, shift []float64) (*value, error) {
	if scale == nil {
		x = d.channels(x, n.axis)
		scale = slices.Repeat([]float64{1}, x.node.Shape.C)
	}
	c := x.node.Shape.C
	if shift == nil {
		shift = make([]float64, c)
	}
	name := d.layer("norm", weight)
	d.param(name, nn.Weight, []int{c}, singles(scale))
	d.param(name, nn.Bias, []int{c}, singles(shift))
	return x.with(d.b.LayerNorm(name, x.node, n.eps)), nil
}

// instanceNorm recognizes normalizations over pixels, and over channels in groups.
func (d *drawing) instanceNorm(n *onnx.Node) (part, error) {
	scale, shift := d.constant(d.in(n, 1)), d.constant(d.in(n, 2))
	if scale == nil || shift == nil {
		return part{}, errors.New("its parameters are no constants")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		v := d.compact(in[0])
		// The channels of a group follow each other, and all else are pixels.
		lists := [3][]slot{v.slots(1), v.natural(nn.AxisH), v.natural(nn.AxisW)}
		for _, s := range v.natural(nn.AxisC) {
			if s.axis != 1 {
				lists[nn.AxisC] = append(lists[nn.AxisC], s)
			}
		}
		for axis := nn.AxisH; axis <= nn.AxisW; axis++ {
			lists[axis] = slices.DeleteFunc(lists[axis], func(s slot) bool { return s.axis == 1 })
		}
		x := d.arranged(v, lists)
		c, groups := x.node.Shape.C, size(x.axes[1])
		if n.Op == "GroupNormalization" {
			groups = integer(n, "num_groups", 1)
		}
		a, b := make([]float64, c), make([]float64, c)
		for i := range a {
			index := i / (c / size(x.axes[1]))
			if n.Op == "GroupNormalization" && n.Opset < 21 {
				index = i / (c / groups)
			}
			a[i], b[i] = scale.Float64s()[index], shift.Float64s()[index]
		}
		name := d.layer("norm", n.Inputs[1])
		d.param(name, nn.Weight, []int{c}, singles(a))
		d.param(name, nn.Bias, []int{c}, singles(b))
		return x.with(d.b.GroupNorm(name, x.node, groups, float(n, "epsilon", 1e-5))), nil
	}}, nil
}

// normOps lists the operators of which composed layer norms consist.
var normOps = []string{"Add", "Div", "Mul", "Pow", "ReduceMean", "Reciprocal", "Sqrt", "Sub"}

// composedNorm recognizes a layer norm without scale and shift that several nodes
// compute, in whatever order: it evaluates them on a sample, with each number in
// them as the epsilon. x is the value that they start from.
func (d *drawing) composedNorm(n *onnx.Node) (x string, found norm, ok bool) {
	const most = 10 // forms with two subtractions and a reciprocal take 9 nodes
	if n == nil {
		return "", found, false
	}
	d.expressions(n, normOps, most, func(nodes []*onnx.Node, from string) bool {
		axis, epsilons := d.normParts(nodes)
		if axis < 0 || axis >= d.values[from].Rank() {
			return false
		}
		for _, eps := range epsilons {
			if d.normalizes(nodes, from, n.Outputs[0], norm{axis, eps}) {
				x, found, ok = from, norm{axis, eps}, true
			}
		}
		return ok
	})
	return x, found, ok
}

// normParts returns the axis over which nodes take means, or -1 unless there is one, and
// the numbers that they use.
func (d *drawing) normParts(nodes []*onnx.Node) (axis int, numbers []float64) {
	axis = -1
	for _, n := range nodes {
		if n.Op == "ReduceMean" {
			over, err := d.reducedAxes(n)
			if err != nil || len(over) != 1 || axis >= 0 && over[0] != axis {
				return -1, nil
			}
			axis = over[0]
			continue
		}
		for i := range n.Inputs {
			if c := d.constant(d.in(n, i)); c != nil && c.Len() == 1 {
				numbers = append(numbers, decimal(c.Float64s()[0]))
			}
		}
	}
	return axis, numbers
}

// normalizes reports whether nodes compute a layer norm. The samples' deviations are
// near 1 and near 0.003, where epsilons matter.
func (d *drawing) normalizes(nodes []*onnx.Node, x, y string, n norm) bool {
	shape := slices.Repeat([]int{2}, d.values[x].Rank())
	const side = 6
	shape[n.axis] = side
	for _, deviation := range []float64{1, 0.003} {
		v := make([]float64, tensor.Len(shape))
		for i := range v {
			v[i] = deviation * math.Sin(float64(3*i*i+1))
		}
		sample := tensor.Floats(onnx.Float32, shape, v)
		out := d.evaluate(nodes, x, y, sample)
		if out == nil {
			return false
		}
		v = sample.Float64s()
		stride := tensor.Len(shape[n.axis+1:])
		for first := range v {
			if first/stride%side != 0 {
				continue
			}
			mean, variance := 0.0, 0.0
			for k := range side {
				mean += v[first+k*stride] / side
			}
			for k := range side {
				variance += math.Pow(v[first+k*stride]-mean, 2) / side
			}
			for k := range side {
				at := first + k*stride
				if want := (v[at] - mean) / math.Sqrt(variance+n.eps); !(math.Abs(out[at]-want) < 1e-4) {
					return false
				}
			}
		}
	}
	return true
}
