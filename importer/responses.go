package importer

import (
	"errors"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// The operators of this file divide by a function of many elements. They are drawn as
// the operations that they are made of.

// rmsNorm recognizes divisions by the root of the mean square over the last axes.
func (d *drawing) rmsNorm(n *onnx.Node) (part, error) {
	scale := d.constant(d.in(n, 1))
	if scale == nil {
		return part{}, errors.New("its scales are no constants")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		v := in[0]
		var axes []int
		for i := axisOf(n, -1, len(v.axes)); i < len(v.axes); i++ {
			axes = append(axes, i)
		}
		x := d.channels(v, axes...)
		mean := d.b.ChannelMean(d.b.Activate(x.node, nn.Activation{Kind: nn.Power, A: 2}))
		mean = d.norm(mean, []float64{1}, []float64{float(n, "epsilon", 1e-5)})
		y := x.with(d.b.Mul(x.node, d.b.Activate(mean, nn.Activation{Kind: nn.Power, A: -0.5})))
		return d.apply([]stage{{node: &onnx.Node{Op: "Mul"}, constant: d.in(n, 1)}}, y)
	}}, nil
}

// lpNorm recognizes divisions by the sum of absolute values, or by the root of the sum
// of squares, along an axis.
func (d *drawing) lpNorm(n *onnx.Node) (part, error) {
	kind := reductions["ReduceL2"]
	if integer(n, "p", 2) == 1 {
		kind = reductions["ReduceL1"]
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		return d.combine(nn.Over, 1, in[0], d.reduced(kind, in[0], []int{axisOf(n, -1, len(in[0].axes))}))
	}}, nil
}

// lrn recognizes local response normalizations: sums over neighboring channels are a
// convolution with a band of ones.
func (d *drawing) lrn(n *onnx.Node) (part, error) {
	size := integer(n, "size", 1)
	alpha, beta, bias := float(n, "alpha", 1e-4), float(n, "beta", 0.75), float(n, "bias", 1)
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		if len(in[0].axes) < 2 {
			return nil, errors.New("its input has no axis of channels")
		}
		x := d.arranged(in[0], [3][]slot{in[0].slots(1), in[0].natural(nn.AxisH), in[0].natural(nn.AxisW)})
		c := x.node.Shape.C
		w, shift := make([]float32, c*c), slices.Repeat([]float32{float32(bias)}, c)
		for out := range c {
			for i := max(0, out-(size-1)/2); i < min(c, out+size/2+1); i++ {
				w[out*c+i] = float32(alpha / float64(size))
			}
		}
		name := d.layer("conv", "")
		d.param(name, nn.Weight, []int{c, c, 1, 1}, w)
		d.param(name, nn.Bias, []int{c}, shift)
		sum := d.b.Conv(name, d.b.Activate(x.node, nn.Activation{Kind: nn.Power, A: 2}), nn.Conv2d{Out: c, Window: nn.Square(1), Bias: true})
		return x.with(d.b.Combine(nn.Times, x.node, d.b.Activate(sum, nn.Activation{Kind: nn.Power, A: -beta}))), nil
	}}, nil
}

// selu recognizes exponential linear units times a factor.
func (d *drawing) selu(n *onnx.Node) (part, error) {
	alpha, gamma := float(n, "alpha", 1.67326319217681884765625), float(n, "gamma", 1.05070102214813232421875)
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := d.compact(in[0])
		y := d.b.Activate(x.node, nn.Activation{Kind: nn.ELU, A: alpha})
		return x.with(d.scaledBy(y, true, gamma)), nil
	}}, nil
}
