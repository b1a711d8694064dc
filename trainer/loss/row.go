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
// the logits. The share smoothing of each label is spread evenly over the classes.
func softmax(smoothing float64, weights []float64) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		total := 0.0
		want := make([]float64, classes)
		for r := range n {
			x, y, g := logits[r*classes:][:classes], labels[r*classes:][:classes], grad[r*classes:][:classes]
			truth := 0.0
			for c, label := range y {
				want[c] = float64(label)
				if smoothing != 0 {
					want[c] = want[c]*(1-smoothing) + smoothing/float64(classes)
				}
				if weights != nil {
					want[c] *= weights[c]
				}
				truth += want[c]
			}
			logMass := logSumExp(x)
			for c, v := range x {
				total -= want[c] * (float64(v) - logMass)
				g[c] = float32((truth*math.Exp(float64(v)-logMass) - want[c]) / float64(n))
			}
		}
		return total / float64(n)
	}
}

// softmaxFocal returns the mean over the rows of -alpha*sum(y*(1-p)^gamma*log(p)), where
// p is softmax of the logits.
func softmaxFocal(gamma, alpha float64, weights []float64) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		total := 0.0
		slope := make([]float64, classes) // of the terms, by log(p)
		for r := range n {
			x, y, g := logits[r*classes:][:classes], labels[r*classes:][:classes], grad[r*classes:][:classes]
			logMass, all := logSumExp(x), 0.0
			for c, v := range x {
				scale := alpha * float64(y[c])
				if weights != nil {
					scale *= weights[c]
				}
				value, derivative := focus(float64(v)-logMass, gamma)
				total += scale * value
				slope[c] = scale * derivative
				all += slope[c]
			}
			for c, v := range x {
				g[c] = float32((slope[c] - all*math.Exp(float64(v)-logMass)) / float64(n))
			}
		}
		return total / float64(n)
	}
}

// focus returns -(1-p)^gamma*log(p), and its derivative by log(p).
func focus(logP, gamma float64) (value, derivative float64) {
	q := -math.Expm1(logP) // 1-p
	if q == 0 {
		return 0, 0
	}
	f := power(q, gamma)
	return -f * logP, f * (gamma*(1-q)*logP/q - 1)
}

// logSumExp returns log(sum(exp(x))) without overflow.
func logSumExp(x []float32) float64 {
	top, mass := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, float64(v))
	}
	for _, v := range x {
		mass += math.Exp(float64(v) - top)
	}
	return top + math.Log(mass)
}
