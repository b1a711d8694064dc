package graph

import "github.com/deploy-kernel/deploy-kernel/runtime/simd"

// planes calls f in parallel for every plane of every image of v. at is the offset of the
// plane.
func (t *tape) planes(v *value, f func(w *worker, image, plane, at int)) {
	t.run(v.images*v.planes(), func(w *worker, i int) { f(w, i/v.planes(), i%v.planes(), i*v.plane()) })
}

// elementsPerPart is the number of floats that elementwise operations compute at once.
const elementsPerPart = 1 << 14

// elements calls f in parallel for ranges of n floats. n is a multiple of Lanes.
func (t *tape) elements(n int, f func(first, end int)) {
	parts, bounds := split(n, elementsPerPart)
	t.run(parts, func(_ *worker, part int) { f(bounds(part)) })
}

// lane holds one value for each channel of a plane.
type lane = [simd.Lanes]float32

// at returns the pixel that begins at offset i.
func at(x []float32, i int) *lane { return (*lane)(x[i:]) }
