// Package loss computes the losses that training minimizes, with their gradients.
//
//	f, err := loss.New("forgiving_loss", config.LossParams{Weight: 3})
//	value := f(grad, logits, labels, n, classes)
//
// A loss takes logits and labels, both of shape (n, classes) in row-major order. A label
// is 1 if the image has the class, else 0, or a mixture of both (mixup). The values are
// PyTorch's on the same logits, computed in float64.
//
// The losses:
//
//	binary_cross_entropy  mean over all elements of -y*log(p) - (1-y)*log(1-p)
//	focal_loss            the same times (1 - probability of the truth)^2, summed
//	                      over the classes, mean over the rows (Lin et al., arXiv
//	                      1708.02002)
//	f2_loss               1 - mean over the rows of F2, with p as the prediction
//	mixed_bce_focal       binary_cross_entropy + weight*focal_loss
//	mixed_bce_f2          binary_cross_entropy + weight*f2_loss
//	forgiving_loss        binary_cross_entropy + weight*(the same of logit*y): a
//	                      missed label costs 1+weight times as much as a false one,
//	                      for tables that lack labels
//	cross_entropy         mean over the rows of -sum(y*log(softmax))
//	mse, l1, smooth_l1    mean over all elements of d^2, |d|, or d^2/2 if |d|<1 and
//	                      |d|-1/2 else; d = logit - y
//
// where p = sigmoid(logit). The last three have the aliases mse_loss, l1_loss and
// smooth_l1_loss.
package loss

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Func returns the loss of a batch and writes its gradient with respect to the logits to
// grad. All slices have the shape (n, classes), in row-major order.
type Func func(grad, logits, labels []float32, n, classes int) float64

// element returns the loss of logit x against label y, and its derivative by x.
type element func(x, y float64) (value, derivative float64)

// New returns the loss called name. It refuses unknown names and lists the known ones.
func New(name string, p config.LossParams) (Func, error) {
	table := map[string]Func{
		"binary_cross_entropy": mean(crossEntropy),
		"focal_loss":           rowSum(focal),
		"f2_loss":              softF2,
		"mixed_bce_focal":      mix(mean(crossEntropy), rowSum(focal), p.Weight),
		"mixed_bce_f2":         mix(mean(crossEntropy), softF2, p.Weight),
		"forgiving_loss":       mean(forgiving(p.Weight)),
		"cross_entropy":        softmax,
		"mse":                  mean(square),
		"l1":                   mean(absolute),
		"smooth_l1":            mean(huber),
	}
	for _, spelling := range []string{name, strings.TrimSuffix(name, "_loss")} {
		if f, ok := table[spelling]; ok {
			return f, nil
		}
	}
	var names []string
	for n := range table {
		names = append(names, n)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("unknown loss %q; there are %s", name, strings.Join(names, ", "))
}

// mean returns the loss that divides the sum of e by the number of elements.
func mean(e element) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		return sum(e, grad, logits, labels, 1/float64(n*classes))
	}
}

// rowSum returns the loss that divides the sum of e by the number of rows.
func rowSum(e element) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		return sum(e, grad, logits, labels, 1/float64(n))
	}
}

func sum(e element, grad, logits, labels []float32, scale float64) float64 {
	total := 0.0
	for i, x := range logits {
		v, d := e(float64(x), float64(labels[i]))
		total += v
		grad[i] = float32(d * scale)
	}
	return total * scale
}

// mix returns the loss a + weight*b.
func mix(a, b Func, weight float64) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		second := make([]float32, len(grad))
		v := a(grad, logits, labels, n, classes) + weight*b(second, logits, labels, n, classes)
		for i, g := range second {
			grad[i] += float32(weight * float64(g))
		}
		return v
	}
}

// sigmoid returns 1/(1+exp(-x)).
func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// softplus returns log(1+exp(x)).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
