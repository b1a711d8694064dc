package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// depthwise is a convolution of each channel with weights of its own, or its
// gradient with respect to the input.
type depthwise struct {
	*crew
	n        int
	src, dst nn.Shape
	pixel    int
	taps     int
	phases   []band
	jobs     []dwJob
}

// dwJob is a band of one image; band is nil for a phase without taps.
type dwJob struct {
	band         *band
	image, index int
}

// isDepthwise reports whether a convolution has one input and one output
// channel a group.
func isDepthwise(n *nn.Node) bool {
	return n.Op == nn.Conv && n.Groups > 1 && n.Groups == n.Shape.C && n.Groups == n.In[0].Shape.C
}

func newDepthwise(c *crew, n *nn.Node, images int, src, dst *value, phases []phase) *depthwise {
	d := &depthwise{crew: c, n: images, src: src.shape, dst: dst.shape, pixel: src.pixel, taps: n.Kernel.H * n.Kernel.W}
	for i := range phases {
		b := band{phase: &phases[i], rowsPerBand: phases[i].rows, bands: 1}
		if len(b.taps) > 0 {
			b = newBand(&phases[i])
		}
		d.phases = append(d.phases, b)
	}
	for i := range d.phases {
		for image := range images {
			for b := range d.phases[i].bands {
				d.jobs = append(d.jobs, dwJob{&d.phases[i], image, b})
			}
		}
	}
	return d
}

// packTaps lays weights (channels, taps) out as (taps, pixel).
func packTaps(packed, w []float32, taps, pixel int) {
	clear(packed)
	for c := range len(w) / taps {
		for t := range taps {
			packed[t*pixel+c] = w[c*taps+t]
		}
	}
}

// run computes dst, or adds to it.
func (d *depthwise) run(dst, src, w, bias []float32, accumulate bool) {
	packed := d.common(d.taps * d.pixel)
	packTaps(packed, w, d.taps, d.pixel)
	d.crew.run(len(d.jobs), func(wk *worker, i int) {
		j := d.jobs[i]
		b := j.band
		first, end := b.bounds(j.index)
		var s []float32
		w := wk.take(len(b.taps) * d.pixel)
		job := &wk.taps
		job.Taps = job.Taps[:0]
		if len(b.taps) > 0 {
			s = wk.take(b.height * b.width * d.pixel)
			b.copy(s, src[j.image*d.src.H*d.src.W*d.pixel:], d.src, d.pixel, first, end)
		}
		for t, tap := range b.taps {
			copy(w[t*d.pixel:][:d.pixel], packed[tap.index*d.pixel:])
			job.Taps = append(job.Taps, ((tap.dy-b.top)*b.width+tap.dx-b.left)*d.pixel)
		}
		job.W, job.Bias, job.Channels, job.Pixels = w, bias, d.pixel, b.cols
		job.XStep, job.YStep = b.stride.W*d.pixel, b.step.W*d.pixel
		line := wk.take(b.cols * b.step.W * d.pixel)
		for r := first; r < end; r++ {
			if len(b.taps) > 0 {
				job.X = s[(r-first)*b.stride.H*b.width*d.pixel:]
			}
			y := dst[((j.image*d.dst.H+b.at.H+r*b.step.H)*d.dst.W+b.at.W)*d.pixel:]
			if !accumulate {
				job.Y = y
				d.training.Taps(job)
				continue
			}
			job.Y = line
			d.training.Taps(job)
			for c := range b.cols {
				at := c * job.YStep
				d.AddScaled(y[at:][:d.pixel], y[at:], line[at:], 1, kernel.None)
			}
		}
	})
}

// depthwiseGrad is the gradient with respect to the weights.
type depthwiseGrad struct {
	*crew
	n       int
	in, out nn.Shape
	pixel   int
	taps    int
	band    band
}

func newDepthwiseGrad(c *crew, n *nn.Node, images int, x *value) *depthwiseGrad {
	p := forward(n)[0]
	return &depthwiseGrad{crew: c, n: images, in: x.shape, out: n.Shape, pixel: x.pixel, taps: len(p.taps), band: newBand(&p)}
}

// run adds the gradient to dw, (channels, taps). Every band sums apart.
func (d *depthwiseGrad) run(dw, x, dy []float32) {
	b := &d.band
	size := d.taps * d.pixel
	sums := d.common(d.n * b.bands * size)
	d.crew.run(d.n*b.bands, func(wk *worker, i int) {
		image := i / b.bands
		first, end := b.bounds(i % b.bands)
		s := wk.take(b.height * b.width * d.pixel)
		b.copy(s, x[image*d.in.H*d.in.W*d.pixel:], d.in, d.pixel, first, end)
		sum := sums[i*size:][:size]
		clear(sum)
		job := &wk.taps
		job.Taps = job.Taps[:0]
		for _, tap := range b.taps {
			job.Taps = append(job.Taps, ((tap.dy-b.top)*b.width+tap.dx-b.left)*d.pixel)
		}
		job.Channels, job.Pixels, job.XStep, job.YStep = d.pixel, b.cols, b.stride.W*d.pixel, d.pixel
		for r := first; r < end; r++ {
			job.X = s[(r-first)*b.stride.H*b.width*d.pixel:]
			job.Y = dy[(image*d.out.H+r)*d.out.W*d.pixel:]
			d.training.TapsGrad(job, sum)
		}
	})
	for i := 1; i < d.n*b.bands; i++ {
		d.AddScaled(sums[:size], sums[:size], sums[i*size:], 1, kernel.None)
	}
	for c := range d.out.C {
		for t := range d.taps {
			dw[c*d.taps+t] += sums[t*d.pixel+c]
		}
	}
}
