package graph

import "github.com/deploy-kernel/deploy-kernel/runtime/simd"

// planes calls f for every plane of every image of v; at is where it begins.
func (t *tape) planes(v *value, f func(w *worker, image, plane, at int)) {
	t.run(v.images*v.planes(), func(w *worker, i int) { f(w, i/v.planes(), i%v.planes(), i*v.plane()) })
}

// elements splits n floats, which are Lanes' multiple, among the workers.
func (t *tape) elements(n int, f func(first, end int)) {
	parts, bounds := split(n, 1<<14)
	t.run(parts, func(_ *worker, part int) { f(bounds(part)) })
}

// lane is the vector of one plane's channels.
type lane = [simd.Lanes]float32

// at returns the pixel of Lanes values that begins there.
func at(x []float32, i int) *lane { return (*lane)(x[i:]) }
