package loss

import "math"

// crossEntropy returns -y*log(p) - (1-y)*log(1-p), without overflow for any logit.
func crossEntropy(x, y float64) (value, derivative float64) {
	return softplus(x) - x*y, sigmoid(x) - y
}

// forgiving returns the loss that adds weight times the cross entropy of x*y against y.
// For y = 1 that is crossEntropy again. For y = 0 it is the constant log 2, whose
// derivative is 0.
func forgiving(weight float64) element {
	return func(x, y float64) (float64, float64) {
		v, d := crossEntropy(x, y)
		w, e := crossEntropy(x*y, y)
		return v + weight*w, d + weight*e*y
	}
}

// focal returns crossEntropy times q^2, where q = sigmoid(x*(1-2y)) is the probability of
// the wrong answer.
func focal(x, y float64) (value, derivative float64) {
	v, d := crossEntropy(x, y)
	sign := 1 - 2*y
	q := sigmoid(x * sign)
	return q * q * v, q * q * (d + 2*(1-q)*sign*v)
}

func square(x, y float64) (value, derivative float64) { return (x - y) * (x - y), 2 * (x - y) }

func absolute(x, y float64) (value, derivative float64) {
	switch {
	case x > y:
		return x - y, 1
	case x < y:
		return y - x, -1
	}
	return 0, 0
}

// huber returns smooth_l1, a parabola for differences below 1 (Girshick, arXiv
// 1504.08083, section 2.3).
func huber(x, y float64) (value, derivative float64) {
	d := x - y
	if math.Abs(d) < 1 {
		return d * d / 2, d
	}
	v, s := absolute(x, y)
	return v - 0.5, s
}
