package pace

import (
	"math"
	"time"
)

// Speed estimates durations from those measured so far.
//
// The cost of a model is a number of operations. An operation takes a different time in
// each model, and the machine may become slower or faster during the run. Speed keeps
// the time per operation of each model when it was first measured, and one factor for
// the change of the machine since then.
type Speed struct {
	cost    []float64 // operations for one view of an image, by model
	base    []float64 // seconds per operation; 0 before the first measurement
	settled []bool    // later changes of base count as changes of the machine
	slower  float64   // the machine's time per operation relative to the bases
	window  float64   // seconds over which measurements are averaged
	reading average   // seconds per byte to read weights
	loading average   // seconds per byte to make a network of weights
}

// average is a running mean in which the last value weighs at least a quarter.
type average struct{ value, weight float64 }

func (a *average) add(x float64) {
	a.value = (a.value*a.weight + x) / (a.weight + 1)
	a.weight = min(a.weight+1, 3)
}

// NewSpeed returns a speed without measurements. costs holds the operations for one view
// of an image, by model. Measurements of predictions are averaged over window.
func NewSpeed(costs []float64, window time.Duration) *Speed {
	return &Speed{
		cost: costs, base: make([]float64, len(costs)), settled: make([]bool, len(costs)),
		slower: 1, window: window.Seconds(),
	}
}

// Predicted records how long a model took for some views of images.
func (s *Speed) Predicted(model, views int, took time.Duration) {
	seconds := max(took.Seconds(), 1e-9)
	each := seconds / (float64(views) * s.cost[model])
	if s.base[model] == 0 {
		s.base[model] = each / s.slower
		return
	}
	// The mean of logarithms gives equal weight to three times slower and three times
	// faster.
	change := math.Pow(each/(s.base[model]*s.slower), 1-math.Exp(-seconds/s.window))
	if s.settled[model] {
		s.slower *= change
	} else {
		s.base[model] *= change
	}
}

// Read records how long it took to read weights of a number of bytes.
func (s *Speed) Read(bytes int64, took time.Duration) {
	s.reading.add(took.Seconds() / float64(bytes))
}

// Loaded records how long it took to make a network of weights of a number of bytes.
func (s *Speed) Loaded(bytes int64, took time.Duration) {
	s.loading.add(took.Seconds() / float64(bytes))
}

// settle ends the first measurement of a model.
func (s *Speed) settle(model int) { s.settled[model] = s.base[model] > 0 }

// view returns the seconds for one view of an image; 0 if nothing was measured. For a
// model without measurements it takes the mean time per operation of the others.
func (s *Speed) view(model int) float64 {
	if s.base[model] > 0 {
		return s.base[model] * s.slower * s.cost[model]
	}
	total, n := 0.0, 0
	for _, b := range s.base {
		if b > 0 {
			total += b
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return total / float64(n) * s.slower * s.cost[model]
}

// fold returns the seconds for a whole fold. Its weights are read while the fold before
// it is predicted.
func (s *Speed) fold(model, images, views int, bytes int64) float64 {
	if views == 0 {
		return 0
	}
	predict := float64(images) * float64(views) * s.view(model)
	return max(predict, s.reading.value*float64(bytes)) + s.loading.value*float64(bytes)
}

// patience returns how long to wait for weights before another fold is predicted
// instead: four times as long as usual, or 1/50 of the budget before the first read, and
// at least 5 s.
func (s *Speed) patience(bytes int64, budget time.Duration) time.Duration {
	wait := budget / 50
	if s.reading.weight > 0 {
		wait = time.Duration(4 * s.reading.value * float64(bytes) * float64(time.Second))
	}
	return max(wait, 5*time.Second)
}
