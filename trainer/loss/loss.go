// Package loss computes the losses that training minimizes, with their gradients.
//
//	f, err := loss.New("forgiving_loss", loss.Options{Params: config.LossParams{Weight: 3}})
//	value := f(grad, logits, labels, n, classes)
//
// A loss takes logits and labels, both of shape (n, classes) in row-major order. A label
// is 1 if the image has the class, else 0, or a mixture of both (mixup). For an ordinal
// task, label k is 1 if the grade is above k. For a regression, the labels are the
// targets. The values are PyTorch's on the same logits, computed in float64.
//
// The losses:
//
//	binary_cross_entropy  mean over all elements of -y*log(p) - (1-y)*log(1-p)
//	focal_loss            the same times (1 - probability of the truth)^gamma, summed
//	                      over the classes, mean over the rows (Lin et al., arXiv
//	                      1708.02002). alpha weighs y = 1, and 1-alpha y = 0. For a
//	                      multiclass task, the cross entropy of the softmax times
//	                      alpha*(1-p)^gamma
//	f2_loss               1 - mean over the rows of F2, with p as the prediction
//	mixed_bce_focal       binary_cross_entropy + weight*focal_loss
//	mixed_bce_f2          binary_cross_entropy + weight*f2_loss
//	forgiving_loss        binary_cross_entropy + weight*(the same of logit*y): a
//	                      missed label costs 1+weight times as much as a false one,
//	                      for tables that lack labels
//	cross_entropy         mean over the rows of -sum(y*log(softmax))
//	mse, l1, smooth_l1    mean over all elements of d^2, |d|, or d^2/(2 beta) if
//	                      |d|<beta and |d|-beta/2 else; d = logit - y
//
// where p = sigmoid(logit). The last three have the aliases mse_loss, l1_loss and
// smooth_l1_loss.
//
// With label_smoothing e, binary_cross_entropy takes y*(1-e) + e/2 for y, and
// cross_entropy y*(1-e) + e/classes. With weights of the classes, the term of each class
// is multiplied by its weight. The means still divide by the number of elements or rows.
package loss

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Func returns the loss of a batch and writes its gradient with respect to the logits to
// grad. All slices have the shape (n, classes), in row-major order.
type Func func(grad, logits, labels []float32, n, classes int) float64

// element returns the loss of logit x against label y, and its derivative by x.
type element func(x, y float64) (value, derivative float64)

// Options holds what a loss depends on besides its name.
type Options struct {
	Task task.Task
	// Params are the parameters. ClassWeights in it is ignored.
	Params config.LossParams
	// Weights holds a weight for each class; nil means 1.
	Weights []float64
}

// New returns the loss called name. It refuses unknown names and lists the known ones.
func New(name string, o Options) (Func, error) {
	p, w := o.Params, o.Weights
	gamma, beta := cmp.Or(p.Gamma, 2), cmp.Or(p.Beta, 1)
	table := map[string]Func{
		"binary_cross_entropy": mean(smoothed(crossEntropy, p.LabelSmoothing), w),
		"focal_loss":           rowSum(focal(gamma, p.Alpha), w),
		"f2_loss":              softF2,
		"mixed_bce_focal":      mix(mean(crossEntropy, w), rowSum(focal(gamma, p.Alpha), w), p.Weight),
		"mixed_bce_f2":         mix(mean(crossEntropy, w), softF2, p.Weight),
		"forgiving_loss":       mean(forgiving(p.Weight), w),
		"cross_entropy":        softmax(p.LabelSmoothing, w),
		"mse":                  mean(square, nil),
		"l1":                   mean(absolute, nil),
		"smooth_l1":            mean(huber(beta), nil),
	}
	if o.Task == task.Multiclass {
		table["focal_loss"] = softmaxFocal(gamma, cmp.Or(p.Alpha, 1), w)
	}
	for _, spelling := range []string{name, strings.TrimSuffix(name, "_loss")} {
		if f, ok := table[spelling]; ok {
			return f, nil
		}
	}
	return nil, fmt.Errorf("unknown loss %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(table)), ", "))
}

// Balanced returns weights that are inversely proportional to the counts of the classes:
// all labels / (classes x count), as scikit-learn's class_weight="balanced". A class
// without labels has the weight 1.
func Balanced(counts []int) []float64 {
	all := 0
	for _, n := range counts {
		all += n
	}
	weights := make([]float64, len(counts))
	for c, n := range counts {
		weights[c] = 1
		if n > 0 {
			weights[c] = float64(all) / float64(len(counts)*n)
		}
	}
	return weights
}

// mean returns the loss that divides the sum of e by the number of elements.
func mean(e element, weights []float64) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		return sum(e, weights, grad, logits, labels, 1/float64(n*classes))
	}
}

// rowSum returns the loss that divides the sum of e by the number of rows.
func rowSum(e element, weights []float64) Func {
	return func(grad, logits, labels []float32, n, classes int) float64 {
		return sum(e, weights, grad, logits, labels, 1/float64(n))
	}
}

// sum returns scale times the sum of e, weighted by class.
func sum(e element, weights []float64, grad, logits, labels []float32, scale float64) float64 {
	total := 0.0
	for i, x := range logits {
		v, d := e(float64(x), float64(labels[i]))
		if weights != nil {
			w := weights[i%len(weights)]
			v, d = w*v, w*d
		}
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
