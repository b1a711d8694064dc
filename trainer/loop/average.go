package loop

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// average adds the epoch's weights to the mean of train.swa.
func (t *Training) average(dict *weights.StateDict) error {
	s := t.Config.Train.SWA
	if since := t.state.Epoch - s.Start; !s.Enable || since < 0 || since%s.Period != 0 {
		return nil
	}
	mean, err := Average(t.swa, dict, t.state.SWA)
	if err != nil {
		return err
	}
	t.swa = mean
	t.state.SWA++
	return nil
}

// Average returns the mean of n+1 dicts of one network: mean is the mean of the first n,
// next the last one. Tensors that are not floats come from next. The averaged statistics
// of batch norms do not fit the averaged weights; package swa computes them anew.
func Average(mean, next *weights.StateDict, n int) (*weights.StateDict, error) {
	if n == 0 {
		return next, nil
	}
	out := &weights.StateDict{Metadata: next.Metadata}
	for _, t := range next.Tensors {
		if !t.DType.Float() {
			out.Tensors = append(out.Tensors, t)
			continue
		}
		old, _, err := mean.Float32(t.Name)
		if err != nil {
			return nil, fmt.Errorf("averaging weights: %w", err)
		}
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("averaging weights: %w", err)
		}
		if len(v) != len(old) {
			return nil, fmt.Errorf("averaging weights: %s has %d values in one and %d in another", t.Name, len(old), len(v))
		}
		for i := range v {
			v[i] = float32(float64(old[i]) + (float64(v[i])-float64(old[i]))/float64(n+1))
		}
		out.Tensors = append(out.Tensors, weights.NewFloat32(t.Name, t.Shape, v))
	}
	return out, nil
}
