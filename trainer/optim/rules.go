package optim

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

// sgdRule returns the rule of torch.optim.SGD with dampening 0:
//
//	g += weight_decay*w;  b = momentum*b + g (b = g at first)
//	w -= lr * (g + momentum*b if nesterov, else b)
func sgdRule(c Config, set *routines.Set) rule {
	r := rule{}
	if c.Momentum != 0 {
		r.kinds = []string{"momentum_buffer"}
	}
	r.update = func(_ int64, lr, scale float64) func(w, g []float32, kinds [][]float32) {
		s := routines.SGD{
			Scale: float32(scale), Decay: float32(c.WeightDecay), Rate: float32(lr),
			Momentum: float32(c.Momentum), Nesterov: c.Nesterov,
		}
		return func(w, g []float32, kinds [][]float32) {
			var b []float32
			if len(kinds) > 0 {
				b = kinds[0]
			}
			set.SGD(&s, w, g, b)
		}
	}
	return r
}

// adamRule returns the rule of torch.optim.Adam (Kingma and Ba, arXiv 1412.6980) or AdamW
// (Loshchilov and Hutter, arXiv 1711.05101):
//
//	m = beta1*m + (1-beta1)*g;  v = beta2*v + (1-beta2)*g*g
//	w -= lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + eps)
//
// With AMSGrad, the last line takes the largest v so far. AdamW first sets
// w *= 1 - lr*weight_decay; Adam first sets g += weight_decay*w.
func adamRule(c Config, set *routines.Set) rule {
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
		a := routines.Adam{
			Scale: float32(scale), Keep: 1,
			Beta1: float32(beta1), Rest1: float32(1 - beta1),
			Beta2: float32(beta2), Rest2: float32(1 - beta2),
			Rate:    float32(lr / (1 - math.Pow(beta1, float64(step)))),
			Root:    float32(1 / math.Sqrt(1-math.Pow(beta2, float64(step)))),
			Epsilon: eps,
		}
		if c.Name == "adamw" {
			a.Keep = float32(1 - lr*c.WeightDecay)
		} else {
			a.Decay = float32(c.WeightDecay)
		}
		return func(w, g []float32, kinds [][]float32) {
			var top []float32
			if len(kinds) > 2 {
				top = kinds[2]
			}
			set.Adam(&a, w, g, kinds[0], kinds[1], top)
		}
	}
	return r
}
