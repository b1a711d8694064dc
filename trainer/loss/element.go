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

// smoothed returns e of the label y*(1-share) + share/2.
func smoothed(e element, share float64) element {
	if share == 0 {
		return e
	}
	return func(x, y float64) (float64, float64) { return e(x, y*(1-share)+share/2) }
}

// focal returns the loss crossEntropy times q^gamma, where q = sigmoid(x*(1-2y)) is the
// probability of the wrong answer. alpha weighs y = 1, and 1-alpha y = 0; 0 weighs both
// by 1.
func focal(gamma, alpha float64) element {
	return func(x, y float64) (value, derivative float64) {
		v, d := crossEntropy(x, y)
		sign := 1 - 2*y
		q := sigmoid(x * sign)
		f := power(q, gamma)
		if alpha != 0 {
			f *= alpha*y + (1-alpha)*(1-y)
		}
		return f * v, f * (d + gamma*(1-q)*sign*v)
	}
}

// power returns q^gamma. The square is exact to the last bit.
func power(q, gamma float64) float64 {
	if gamma == 2 {
		return q * q
	}
	return math.Pow(q, gamma)
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

// huber returns smooth_l1, a parabola for differences below beta (Girshick, arXiv
// 1504.08083, section 2.3).
func huber(beta float64) element {
	return func(x, y float64) (value, derivative float64) {
		d := x - y
		if math.Abs(d) < beta {
			return d * d / 2 / beta, d / beta
		}
		v, s := absolute(x, y)
		return v - beta/2, s
	}
}
