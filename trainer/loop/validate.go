package loop

import (
	"context"
	"math"

	"github.com/deploy-kernel/deploy-kernel/metric"
)

// beta weighs recall against precision in the score: F2.
const beta = 2

// validate scores the held-out rows at the best threshold.
func (t *Training) validate(ctx context.Context) (Result, error) {
	scores, loss, err := t.Predict(ctx)
	if err != nil {
		return Result{}, err
	}
	rows := metric.Rows{Scores: scores, Labels: t.Truth, Classes: t.Config.Model.NumClasses}
	threshold, score := rows.BestThreshold(beta)
	batches := t.Train.Batches()
	return Result{
		Epoch: t.state.Epoch, Step: t.state.Step, Rate: t.state.Rate,
		TrainLoss: t.state.LossSum / float64(batches), ValidLoss: loss,
		Score: score, Threshold: min(max(float64(threshold), 0), 1),
		Images: batches * t.Config.Train.BatchSize, Took: t.state.Took, Waited: t.state.Waited,
	}, nil
}

// Predict returns the sigmoids of the held-out rows, (rows, classes), and their mean loss
// with the current weights.
func (t *Training) Predict(ctx context.Context) (sigmoids []float32, loss float64, err error) {
	stream := t.Valid.Start(ctx, 0, 0)
	defer stream.Close()
	n := 0
	var grad []float32
	for {
		b, err := stream.Next()
		if err != nil {
			return nil, 0, err
		}
		if b == nil {
			return sigmoids, loss / float64(n), nil
		}
		logits, err := t.Model.Predict(ctx, b.Images, b.N)
		if err != nil {
			return nil, 0, err
		}
		grad = append(grad[:0], logits...)
		loss += float64(b.N) * t.Loss(grad, logits, b.Labels, b.N, len(logits)/b.N)
		for _, x := range logits {
			sigmoids = append(sigmoids, float32(1/(1+math.Exp(-float64(x)))))
		}
		n += b.N
		if t.Hooks.Validating != nil {
			t.Hooks.Validating(n, len(t.Valid.Rows()))
		}
	}
}
