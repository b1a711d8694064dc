package loop

import (
	"context"
	"math"
)

// Point is one step of the search for a learning rate.
type Point struct {
	Rate float64
	Loss float64 // smoothed exponentially
}

// diverged is the multiple of the smallest loss at which the search ends.
const diverged = 4

// FindRate takes steps at rates that grow exponentially, as train.lr_finder says, and
// returns the smoothed loss at each rate (Smith, arXiv 1506.01186, section 3.3). It ends
// early when the loss diverges. The model is useless afterwards.
func (t *Training) FindRate(ctx context.Context) ([]Point, error) {
	f := t.Config.Train.LRFinder
	factor := math.Pow(f.FinalValue/f.InitValue, 1/float64(f.NumSteps-1))
	var points []Point
	mean, least, rate := 0.0, math.Inf(1), f.InitValue
	for epoch := 0; ; epoch++ {
		stream := t.Train.Start(ctx, epoch, 0)
		for {
			b, err := stream.Next()
			if err == nil && b == nil {
				break
			}
			var loss float64
			if err == nil {
				loss, _, err = t.Model.Step(ctx, b.Images, b.Labels)
			}
			if err == nil {
				err = t.Model.Update(t.Optimizer, rate, 1)
			}
			if err != nil {
				stream.Close()
				if len(points) > 1 && ctx.Err() == nil {
					return points, nil // it diverged
				}
				return nil, err
			}
			mean = f.Beta*mean + (1-f.Beta)*loss
			p := Point{rate, mean / (1 - math.Pow(f.Beta, float64(len(points)+1)))}
			points = append(points, p)
			least = min(least, p.Loss)
			if t.Hooks.Batch != nil {
				t.Hooks.Batch(Progress{Batch: len(points) - 1, Batches: f.NumSteps, Images: b.N, Rate: rate, Loss: loss})
			}
			if len(points) == f.NumSteps || p.Loss > diverged*least {
				stream.Close()
				return points, nil
			}
			rate *= factor
		}
		stream.Close()
	}
}

// Steepest returns the rate at which the loss falls fastest, or 0 if it never falls. It is
// a good first rate.
func Steepest(points []Point) float64 {
	best, rate := 0.0, 0.0
	for i := 2; i+2 < len(points); i++ {
		a, b := points[i-2], points[i+2]
		slope := (b.Loss - a.Loss) / math.Log(b.Rate/a.Rate)
		if slope < best {
			best, rate = slope, points[i].Rate
		}
	}
	return rate
}
