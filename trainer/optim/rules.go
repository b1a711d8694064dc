package optim

import "math"

// sgdRule is torch.optim.SGD with dampening 0:
//
//	g += weight_decay*w;  b = momentum*b + g (b = g at first)
//	w -= lr * (g + momentum*b if nesterov, else b)
func sgdRule(c Config) rule {
	r := rule{}
	if c.Momentum != 0 {
		r.kinds = []string{"momentum_buffer"}
	}
	decay, momentum := float32(c.WeightDecay), float32(c.Momentum)
	r.update = func(_ int64, lr, scale float64) func(w, g []float32, kinds [][]float32) {
		rate, s := float32(lr), float32(scale)
		return func(w, g []float32, kinds [][]float32) {
			if momentum == 0 {
				for i, v := range g {
					w[i] -= rate * (s*v + decay*w[i])
				}
				return
			}
			b := kinds[0]
			for i, v := range g {
				d := s*v + decay*w[i]
				b[i] = momentum*b[i] + d
				if c.Nesterov {
					d += momentum * b[i]
				} else {
					d = b[i]
				}
				w[i] -= rate * d
			}
		}
	}
	return r
}

// adamRule is torch.optim.Adam (Kingma and Ba, arXiv 1412.6980), or AdamW
// (Loshchilov and Hutter, arXiv 1711.05101), whose weight decay is
// w *= 1 - lr*weight_decay before the step:
//
//	m = beta1*m + (1-beta1)*g;  v = beta2*v + (1-beta2)*g*g
//	w -= lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + eps)
//
// AMSGrad takes the largest v so far in the last line.
func adamRule(c Config) rule {
	def := func(v, d float64) float64 {
		if v == 0 {
			return d
		}
		return v
	}
	beta1, beta2, eps := def(c.Beta1, 0.9), def(c.Beta2, 0.999), float32(def(c.Epsilon, 1e-8))
	r := rule{kinds: []string{"exp_avg", "exp_avg_sq"}}
	if c.AMSGrad {
		r.kinds = append(r.kinds, "max_exp_avg_sq")
	}
	r.update = func(step int64, lr, scale float64) func(w, g []float32, kinds [][]float32) {
		k := adam{
			scale: float32(scale), keep: 1,
			beta1: float32(beta1), rest1: float32(1 - beta1),
			beta2: float32(beta2), rest2: float32(1 - beta2),
			rate: float32(lr / (1 - math.Pow(beta1, float64(step)))),
			root: float32(1 / math.Sqrt(1-math.Pow(beta2, float64(step)))),
			eps:  eps,
		}
		if c.Name == "adamw" {
			k.keep = float32(1 - lr*c.WeightDecay)
		} else {
			k.decay = float32(c.WeightDecay)
		}
		return k.update
	}
	return r
}

// adam are the numbers of one step.
type adam struct {
	scale, decay, keep         float32
	beta1, rest1, beta2, rest2 float32
	rate, root, eps            float32
}

func (k adam) update(w, g []float32, kinds [][]float32) {
	m, v := kinds[0], kinds[1]
	for i, grad := range g {
		x := w[i] * k.keep
		d := k.scale*grad + k.decay*x
		m[i] = k.beta1*m[i] + k.rest1*d
		v[i] = k.beta2*v[i] + k.rest2*d*d
		top := v[i]
		if len(kinds) > 2 {
			top = max(top, kinds[2][i])
			kinds[2][i] = top
		}
		w[i] = x - k.rate*m[i]/(k.root*float32(math.Sqrt(float64(top)))+k.eps)
	}
}
