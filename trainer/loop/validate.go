package loop

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/metric"
)

// validate scores the held-out rows with the config's metric.
func (t *Training) validate(ctx context.Context) (Result, error) {
	predictions, loss, err := t.Predict(ctx)
	if err != nil {
		return Result{}, err
	}
	threshold, score := Score(t.Config.Score(), t.Truth, predictions)
	batches := t.Train.Batches()
	return Result{
		Epoch: t.state.Epoch, Step: t.state.Step, Rate: t.state.Rate,
		TrainLoss: t.state.LossSum / float64(batches), ValidLoss: loss,
		Score: score, Threshold: threshold,
		Images: batches * t.Config.Train.BatchSize, Took: t.state.Took, Waited: t.state.Waited,
	}, nil
}

// Score returns the score of predictions, at the best threshold or grade bounds if the
// metric scores decisions. The threshold is 0 for other metrics.
func Score(m metric.Metric, truth metric.Rows, predictions []float32) (threshold, score float64) {
	truth.Scores = predictions
	d, score := m.Fit(truth)
	return min(max(float64(d.Threshold), 0), 1), score
}

// Predict returns the predictions of the held-out rows, a row of task.Values each, and
// their mean loss with the current weights.
func (t *Training) Predict(ctx context.Context) (predictions []float32, loss float64, err error) {
	stream := t.Valid.Start(ctx, 0, 0)
	defer stream.Close()
	n := 0
	kind := t.Truth.Task
	row := make([]float64, kind.Values(t.Truth.Classes))
	var grad []float32
	for {
		b, err := stream.Next()
		if err != nil {
			return nil, 0, err
		}
		if b == nil {
			return predictions, loss / float64(n), nil
		}
		logits, err := t.Model.Predict(ctx, b.Images, b.N)
		if err != nil {
			return nil, 0, err
		}
		grad = append(grad[:0], logits...)
		width := len(logits) / b.N
		loss += float64(b.N) * t.Loss(grad, logits, b.Labels, b.N, width)
		for i := range b.N {
			clear(row)
			kind.Add(row, logits[i*width:][:width])
			for _, v := range row {
				predictions = append(predictions, float32(v))
			}
		}
		n += b.N
		if t.Hooks.Validating != nil {
			t.Hooks.Validating(n, len(t.Valid.Rows()))
		}
	}
}
