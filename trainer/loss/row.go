package loss

import "math"

// f2Epsilon prevents a division by zero in rows without labels and predictions.
const f2Epsilon = 1e-6

// softF2 returns 1 - the mean over the rows of 5*sum(p*y) / (4*sum(y) + sum(p)), the F2
// score with probabilities in place of decisions. A row without labels costs 1 and has
// no gradient.
func softF2(grad, logits, labels []float32, n, classes int) float64 {
	total := 0.0
	for r := range n {
		x, y, g := logits[r*classes:][:classes], labels[r*classes:][:classes], grad[r*classes:][:classes]
		var both, truth, predicted float64
		for c := range x {
			p := sigmoid(float64(x[c]))
			both += p * float64(y[c])
			truth += float64(y[c])
			predicted += p
		}
		below := 4*truth + predicted + f2Epsilon
		total += 5 * both / below
		for c := range x {
			p := sigmoid(float64(x[c]))
			d := 5 * (float64(y[c])*below - both) / (below * below)
			g[c] = float32(-d * p * (1 - p) / float64(n))
		}
	}
	return 1 - total/float64(n)
}

// softmax returns the mean cross entropy of the rows, whose predictions are softmax of
// the logits.
func softmax(grad, logits, labels []float32, n, classes int) float64 {
	total := 0.0
	for r := range n {
		x, y, g := logits[r*classes:][:classes], labels[r*classes:][:classes], grad[r*classes:][:classes]
		top, mass, truth := math.Inf(-1), 0.0, 0.0
		for _, v := range x {
			top = max(top, float64(v))
		}
		for c, v := range x {
			mass += math.Exp(float64(v) - top)
			truth += float64(y[c])
		}
		logMass := top + math.Log(mass)
		for c, v := range x {
			total -= float64(y[c]) * (float64(v) - logMass)
			g[c] = float32((truth*math.Exp(float64(v)-logMass) - float64(y[c])) / float64(n))
		}
	}
	return total / float64(n)
}
