package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// normalizations are the operators that scale elements by statistics.
var normalizations = map[string]operator{
	"BatchNormalization":    {least: 5, most: 5, run: batchNorm},
	"GroupNormalization":    {least: 3, most: 3, since: 18, run: groupNorm},
	"InstanceNormalization": {least: 3, most: 3, run: instanceNorm},
	"LayerNormalization":    {least: 2, most: 3, since: 17, run: layerNorm},
	"LogSoftmax":            {least: 1, most: 1, run: func(c *call) { softmax(c, true) }},
	"LpNormalization":       {least: 1, most: 1, run: lpNorm},
	"RMSNormalization":      {least: 2, most: 2, since: 23, run: rmsNorm},
	"Softmax":               {least: 1, most: 1, run: func(c *call) { softmax(c, false) }},
}

// batchNorm uses the given statistics; in training mode it uses those of the batch,
// as files that standardize their weights ask for.
func batchNorm(c *call) {
	x := c.in[0]
	if !c.rank(0, 2) || c.int("spatial", 1) == 0 {
		c.fail("statistics per pixel are not supported")
		return
	}
	channels := x.Shape[1]
	for i := 1; i < 5; i++ {
		c.channels(i, channels)
	}
	eps, training := c.float("epsilon", 1e-5), c.int("training_mode", 0) != 0
	momentum := c.float("momentum", 0.9)
	compute := c.plan(x.Type, x.Shape)
	if training {
		c.planOutput(1, c.in[3].Type, []int{channels})
		c.planOutput(2, c.in[4].Type, []int{channels})
	}
	if !compute {
		return
	}
	v, scale, bias := x.Float64s(), c.in[1].Float64s(), c.in[2].Float64s()
	means, variances := slices.Clone(c.in[3].Float64s()), slices.Clone(c.in[4].Float64s())
	pixels := tensor.Len(x.Shape[2:])
	channel := func(i int) int { return i / pixels % channels }
	if training {
		batchMeans, batchVariances := moments(v, channel, channels)
		for _, s := range []struct {
			output         int
			running, batch []float64
		}{{1, means, batchMeans}, {2, variances, batchVariances}} {
			mixed := make([]float64, channels)
			for i := range mixed {
				mixed[i] = s.running[i]*momentum + s.batch[i]*(1-momentum)
			}
			c.setOutput(s.output, mixed)
		}
		means, variances = batchMeans, batchVariances
	}
	out := make([]float64, len(v))
	for i, f := range v {
		k := channel(i)
		out[i] = (f-means[k])/math.Sqrt(variances[k]+eps)*scale[k] + bias[k]
	}
	c.set(out)
}

// moments returns mean and variance of n groups of elements.
func moments(v []float64, group func(i int) int, n int) (means, variances []float64) {
	means, variances = make([]float64, n), make([]float64, n)
	count := float64(len(v)) / float64(n)
	for i, f := range v {
		means[group(i)] += f / count
	}
	for i, f := range v {
		d := f - means[group(i)]
		variances[group(i)] += d * d / count
	}
	return means, variances
}

// standardize subtracts the mean of each block of elements and divides by the standard
// deviation.
func standardize(v []float64, block int, eps float64) (out, means, inverses []float64) {
	out = make([]float64, len(v))
	if block == 0 || len(v) == 0 {
		return out, nil, nil
	}
	group := func(i int) int { return i / block }
	means, inverses = moments(v, group, len(v)/block)
	for i, variance := range inverses {
		inverses[i] = 1 / math.Sqrt(variance+eps)
	}
	for i, f := range v {
		out[i] = (f - means[group(i)]) * inverses[group(i)]
	}
	return out, means, inverses
}

func instanceNorm(c *call) {
	x := c.in[0]
	if !c.rank(0, 3) {
		return
	}
	normalizeGroups(c, x.Shape[1], c.float("epsilon", 1e-5))
}

func groupNorm(c *call) {
	x, groups := c.in[0], c.int("num_groups", 0)
	if !c.rank(0, 3) || groups < 1 || x.Shape[1]%groups != 0 {
		c.fail("%d groups do not fit %v", groups, x)
		return
	}
	normalizeGroups(c, groups, c.float("epsilon", 1e-5))
}

// normalizeGroups standardizes groups of channels, then scales each channel. Before
// operator set 21 GroupNormalization has one scale per group.
func normalizeGroups(c *call, groups int, eps float64) {
	x := c.in[0]
	channels := x.Shape[1]
	scales := channels
	if c.node.Op == "GroupNormalization" && c.node.Opset < 21 {
		scales = groups
	}
	c.channels(1, scales)
	c.channels(2, scales)
	if !c.plan(x.Type, x.Shape) {
		return
	}
	pixels := tensor.Len(x.Shape[2:])
	out, _, _ := standardize(x.Float64s(), channels/groups*pixels, eps)
	scale, bias := c.in[1].Float64s(), c.in[2].Float64s()
	for i := range out {
		k := i / pixels % channels * scales / channels
		out[i] = out[i]*scale[k] + bias[k]
	}
	c.set(out)
}

// tail returns the axis from which on a tensor is normalized, and the shape of that
// part. Scale and bias must broadcast to it.
func (c *call) tail() (axis int, shape []int) {
	x := c.in[0]
	if !c.rank(0, 1) {
		return 0, nil
	}
	axis = c.axis(c.int("axis", -1), x.Rank())
	shape = x.Shape[axis:]
	for _, p := range c.in[1:] {
		if p == nil {
			continue
		}
		if full, ok := tensor.BroadcastShape(shape, p.Shape); !ok || !slices.Equal(full, shape) {
			c.fail("the parameter %v does not fit %v", p, shape)
		}
	}
	return axis, shape
}

func layerNorm(c *call) {
	x := c.in[0]
	axis, shape := c.tail()
	eps := c.float("epsilon", 1e-5)
	compute := c.plan(x.Type, x.Shape)
	stats := slices.Repeat([]int{1}, x.Rank())
	copy(stats, x.Shape[:axis])
	c.planOutput(1, x.Type, stats)
	c.planOutput(2, x.Type, stats)
	if !compute {
		return
	}
	block := tensor.Len(shape)
	out, means, inverses := standardize(x.Float64s(), block, eps)
	scaleTail(out, c.in[1], shape, func(a, b float64) float64 { return a * b })
	scaleTail(out, c.in[2], shape, sum)
	c.set(out)
	if len(means) == tensor.Len(stats) {
		c.setOutput(1, means)
		c.setOutput(2, inverses)
	}
}

// scaleTail combines each block of elements with a parameter, if there is one.
func scaleTail(out []float64, p *tensor.Tensor, shape []int, combine func(a, b float64) float64) {
	if p == nil {
		return
	}
	v := p.Broadcast(shape).Float64s()
	for i := range out {
		out[i] = combine(out[i], v[i%len(v)])
	}
}

func rmsNorm(c *call) {
	x := c.in[0]
	_, shape := c.tail()
	eps := c.float("epsilon", 1e-5)
	if !c.plan(x.Type, x.Shape) {
		return
	}
	v, block := x.Float64s(), tensor.Len(shape)
	out := make([]float64, len(v))
	for first := 0; first < len(v); first += block {
		squares := 0.0
		for _, f := range v[first : first+block] {
			squares += f * f
		}
		scale := 1 / math.Sqrt(squares/float64(block)+eps)
		for i := first; i < first+block; i++ {
			out[i] = v[i] * scale
		}
	}
	scaleTail(out, c.in[1], shape, func(a, b float64) float64 { return a * b })
	c.set(out)
}

func lpNorm(c *call) {
	x, p := c.in[0], c.int("p", 2)
	if !c.rank(0, 1) || p != 1 && p != 2 {
		c.fail("its p of %d is not supported", p)
		return
	}
	axis := c.axis(c.int("axis", -1), x.Rank())
	if !c.plan(x.Type, x.Shape) {
		return
	}
	v := x.Float64s()
	out := make([]float64, len(v))
	lines(x.Shape, axis, func(first, stride int) {
		norm := 0.0
		for i := range x.Shape[axis] {
			norm += math.Pow(math.Abs(v[first+i*stride]), float64(p))
		}
		norm = math.Pow(norm, 1/float64(p))
		for i := range x.Shape[axis] {
			if norm != 0 {
				out[first+i*stride] = v[first+i*stride] / norm
			}
		}
	})
	c.set(out)
}

// softmax works along one axis. Before operator set 13 it works over that axis and all
// that follow. It may return the logarithm of the result.
func softmax(c *call, logarithm bool) {
	x := c.in[0]
	if !c.rank(0, 1) {
		return
	}
	shape := x.Shape
	axis := c.int("axis", -1)
	if c.node.Opset < 13 {
		axis = c.axis(c.int("axis", 1), x.Rank())
		shape, axis = []int{tensor.Len(shape[:axis]), tensor.Len(shape[axis:])}, 1
	}
	axis = c.axis(axis, len(shape))
	if !c.plan(x.Type, x.Shape) {
		return
	}
	v := slices.Clone(x.Float64s())
	lines(shape, axis, func(first, stride int) { softmaxLine(v, first, stride, shape[axis], logarithm) })
	c.set(v)
}

// softmaxLine replaces n elements by their softmax or its logarithm.
func softmaxLine(v []float64, first, stride, n int, logarithm bool) {
	top := math.Inf(-1)
	for i := range n {
		top = max(top, v[first+i*stride])
	}
	total := 0.0
	for i := range n {
		total += math.Exp(v[first+i*stride] - top)
	}
	for i := range n {
		p := &v[first+i*stride]
		if *p -= top; logarithm {
			*p -= math.Log(total)
			continue
		}
		*p = math.Exp(*p) / total
	}
}
