// Package shrink stores weights in 16 bits, and measures how much the network's
// predictions change.
//
//	small, err := dict.Half(weights.F16)
//	change, err := shrink.Measure(ctx, g, dict, small, nil)
//	err = change.Check(shrink.DefaultLimit)
//
// Both forms of the weights predict the same images. The change is the difference of
// the probabilities.
package shrink

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// DefaultLimit is the largest change of a probability that is allowed by default. A
// trained ResNet of 20 layers changes by 0.002 in F16 and 0.02 in BF16. Broken weights
// change by tenths.
const DefaultLimit = 0.03

// Change is the difference between the predictions of two forms of weights.
type Change struct {
	Images int // that were predicted
	// Max and Mean are the largest and the mean difference of a probability.
	Max, Mean float64
}

// String describes the change in one line.
func (c Change) String() string {
	return fmt.Sprintf("probabilities change by %.2g at most, %.2g on average (%d images)", c.Max, c.Mean, c.Images)
}

// Check returns an error if the largest change exceeds limit or is NaN.
func (c Change) Check(limit float64) error {
	if !(c.Max <= limit) { // refuses NaN too
		return fmt.Errorf("%v, above the limit of %.2g", c, limit)
	}
	return nil
}

// Measure predicts images with both forms of the weights. images has the shape
// (N, H, W, 3) and is normalized; nil means Images(4, size of the input).
func Measure(ctx context.Context, g *nn.Graph, before, after engine.Params, images []float32) (Change, error) {
	if images == nil {
		images = Images(4, g.Input.Shape.H)
	}
	want, err := predict(ctx, g, before, images)
	if err != nil {
		return Change{}, err
	}
	got, err := predict(ctx, g, after, images)
	if err != nil {
		return Change{}, err
	}
	c := Change{Images: len(images) / g.Input.Shape.Len()}
	for i := range want {
		d := math.Abs(probability(want[i]) - probability(got[i]))
		c.Mean += d / float64(len(want))
		c.Max = math.Max(c.Max, d) // keeps NaN
	}
	return c, nil
}

// probability returns the sigmoid of a logit. It returns NaN for an infinite logit: SIMD
// routines may turn NaN into -Inf.
func probability(logit float32) float64 {
	if math.IsInf(float64(logit), 0) {
		return math.NaN()
	}
	return 1 / (1 + math.Exp(-float64(logit)))
}

// predict returns the logits of the images. It holds one engine at a time.
func predict(ctx context.Context, g *nn.Graph, p engine.Params, images []float32) ([]float32, error) {
	e, err := engine.Compile(g, p, engine.Options{})
	if err != nil {
		return nil, err
	}
	logits := make([]float32, len(images)/g.Input.Shape.Len()*g.Classes())
	return logits, e.Predict(ctx, images, logits)
}

// Images returns n normalized images of the shape (size, size, 3): patches of color at
// three scales, and noise. Every layer gets details of its scale.
func Images(n, size int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]float32, n*size*size*3)
	for image := range n {
		pixels := out[image*size*size*3:][:size*size*3]
		for _, patch := range []int{max(1, size/2), max(1, size/8), max(1, size/32)} {
			side := (size + patch - 1) / patch
			colors := make([]float32, side*side*3)
			for i := range colors {
				colors[i] = float32(rng.NormFloat64()) * 0.6
			}
			for i := range pixels {
				x, y := i/3%size, i/3/size
				pixels[i] += colors[(y/patch*side+x/patch)*3+i%3]
			}
		}
		for i := range pixels {
			pixels[i] += float32(rng.NormFloat64()) * 0.1
		}
	}
	return out
}
