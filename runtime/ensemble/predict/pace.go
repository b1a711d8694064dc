package predict

import (
	"math"
	"time"
)

// pace is what is known of the machine's speed. A model's cost is told in
// operations; how long an operation takes differs by model and changes over
// time, so pace keeps for each model what it took when it was first measured,
// and for the machine how much slower it has become since.
type pace struct {
	cost  []float64 // of an image's view, by model
	base  []float64 // seconds per operation; 0 is not measured yet
	known []bool    // the base is settled: changes are the machine's
	slow  float64   // times slower than when the bases were measured
	tau   float64   // seconds over which measurements are averaged
	read  average   // seconds per byte of reading weights
	setup average   // seconds per byte of making a network of them
}

// average is a running mean that favours what came last.
type average struct{ value, weight float64 }

func (a *average) add(x float64) {
	a.value = (a.value*a.weight + x) / (a.weight + 1)
	a.weight = min(a.weight+1, 3)
}

func newPace(cost []float64, tau time.Duration) *pace {
	return &pace{
		cost: cost, base: make([]float64, len(cost)), known: make([]bool, len(cost)),
		slow: 1, tau: tau.Seconds(),
	}
}

// saw takes note that so many views of images of a model took so long.
func (p *pace) saw(model, views int, took time.Duration) {
	seconds := max(took.Seconds(), 1e-9)
	each := seconds / (float64(views) * p.cost[model])
	if p.base[model] == 0 {
		p.base[model] = each / p.slow
		return
	}
	// The mean of logarithms: three times slower and three times faster are
	// equally far.
	change := math.Pow(each/(p.base[model]*p.slow), 1-math.Exp(-seconds/p.tau))
	if p.known[model] {
		p.slow *= change
	} else {
		p.base[model] *= change
	}
}

// settle ends the first measurement of a model.
func (p *pace) settle(model int) { p.known[model] = p.base[model] > 0 }

// view is how many seconds a view of an image takes, 0 while nothing was
// measured.
func (p *pace) view(model int) float64 {
	if p.base[model] > 0 {
		return p.base[model] * p.slow * p.cost[model]
	}
	total, n := 0.0, 0
	for _, b := range p.base {
		if b > 0 {
			total += b
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return total / float64(n) * p.slow * p.cost[model]
}

// fold is how many seconds a fold takes: the next weights are read while the
// images are predicted.
func (p *pace) fold(model, images, views int, size int64) float64 {
	if views == 0 {
		return 0
	}
	predict := float64(images) * float64(views) * p.view(model)
	return max(predict, p.read.value*float64(size)) + p.setup.value*float64(size)
}
