package augment

import (
	"math"
	"math/rand/v2"
)

// Mixup blends each of the n images of a batch, and its labels, with another one of the
// batch, in place. It draws the share of the other from Beta(beta, beta) once for the
// batch (Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412,
// section 2, and its reference implementation).
func Mixup(images, labels []float32, n int, beta float64, rng *rand.Rand) {
	share := float32(betaSample(beta, rng))
	order := rng.Perm(n)
	mix(images, n, order, share)
	mix(labels, n, order, share)
}

// mix sets row i of n rows to (1-share)*row[i] + share*row[order[i]].
func mix(rows []float32, n int, order []int, share float32) {
	size := len(rows) / n
	old := append([]float32(nil), rows...)
	for i, j := range order {
		dst, other := rows[i*size:][:size], old[j*size:][:size]
		for k, v := range other {
			dst[k] = (1-share)*dst[k] + share*v
		}
	}
}

// betaSample draws from Beta(a, a) as x/(x+y) of two gamma variables.
func betaSample(a float64, rng *rand.Rand) float64 {
	x, y := logGamma(a, rng), logGamma(a, rng)
	return 1 / (1 + math.Exp(y-x))
}

// logGamma draws the logarithm of a Gamma(a, 1) variable (Marsaglia and Tsang, "A Simple
// Method for Generating Gamma Variables", 2000, with their boost for a < 1). The variable
// itself underflows for small a.
func logGamma(a float64, rng *rand.Rand) float64 {
	boost := 0.0
	if a < 1 {
		boost = math.Log(1-rng.Float64()) / a
		a++
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < 0.5*x*x+d*(1-v+math.Log(v)) {
			return math.Log(d*v) + boost
		}
	}
}
