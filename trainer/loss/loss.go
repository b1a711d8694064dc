// Package loss holds what training makes small, each loss with its gradient.
//
//	f, err := loss.New("forgiving_loss", config.LossParams{Weight: 3})
//	value := f(grad, logits, labels, n, classes)
//
// A loss is a function of raw logits and of labels, both (n, classes) row by
// row. Labels are 1 where the class is there and 0 where not; mixtures of both
// (mixup) are taken as they are. Values are those of PyTorch on the same
// logits, computed in float64.
//
// The losses:
//
//	binary_cross_entropy  mean over all elements of -y*log(p) - (1-y)*log(1-p)
//	focal_loss            the same times (1-p of the truth)^2, summed over the
//	                      classes, mean over the rows (Lin et al., arXiv 1708.02002)
//	f2_loss               1 - mean over the rows of F2 with p for the prediction
//	mixed_bce_focal       binary_cross_entropy + weight*focal_loss
//	mixed_bce_f2          binary_cross_entropy + weight*f2_loss
//	forgiving_loss        binary_cross_entropy + weight*(the same of logit*y): a
//	                      missed label costs 1+weight times as much, so that it
//	                      forgives predicting what nobody labelled, for tables in
//	                      which labels are missing
//	cross_entropy         mean over the rows of -sum(y*log(softmax))
//	mse, l1, smooth_l1    mean over all elements of d^2, |d|, or d^2/2 where |d|<1
//	                      and |d|-1/2 elsewhere; d = logit - y
//
// where p = sigmoid(logit). The last three may also be spelt mse_loss and so on.
package loss

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Func computes the loss of a batch and writes its gradient with respect to the
// logits to grad, which has the shape of logits: (n, classes), row by row.
type Func func(grad, logits, labels []float32, n, classes int) float64

// element is the loss of one logit against its label, with its derivative.
type element func(x, y float64) (value, derivative float64)

// New returns the loss of that name.
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

// mean is the loss of all elements over their number.
func mean(e element) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		return sum(e, grad, logits, labels, 1/float64(n*classes))
	}
}

// rowSum is the loss of all elements over the number of rows.
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

// mix is a + weight*b.
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

// sigmoid is the logistic function.
func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// softplus is log(1+exp(x)).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
