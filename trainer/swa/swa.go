// Package swa completes stochastic weight averaging (Izmailov et al., arXiv 1803.05407):
// it averages weights, and computes the batch-norm statistics that averaged weights need.
//
//	mean, err := swa.Mean(dicts)
//	err = model.Load(mean) // a model with graph.Options.BNMomentum 1
//	dict, err := swa.Statistics(ctx, model, loader, nil)
package swa

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// Mean returns the mean of the weights of one network. It refuses an empty list and dicts
// of different tensors.
func Mean(dicts []*weights.StateDict) (*weights.StateDict, error) {
	if len(dicts) == 0 {
		return nil, errors.New("averaging weights: there are none")
	}
	mean := dicts[0]
	for n, d := range dicts[1:] {
		if len(d.Tensors) != len(mean.Tensors) {
			return nil, fmt.Errorf("averaging weights: %d tensors in one file and %d in another", len(mean.Tensors), len(d.Tensors))
		}
		var err error
		if mean, err = loop.Average(mean, d, n+1); err != nil {
			return nil, err
		}
	}
	return mean, nil
}

// Model is a network whose running statistics, after a step, equal those of the step's
// batch, such as a graph.Model with BNMomentum 1.
type Model interface {
	Step(ctx context.Context, images, labels []float32) (loss float64, logits []float32, err error)
	StateDict() *weights.StateDict
}

// Statistics returns the model's weights with the batch-norm statistics of the loader's
// images: the mean over the batches of an epoch, as PyTorch's update_bn. It calls tell,
// unless it is nil, after each batch with the number of its images. The model's gradients
// are undefined afterwards.
func Statistics(ctx context.Context, m Model, l *data.Loader, tell func(images int)) (*weights.StateDict, error) {
	sums := map[string][]float64{}
	stream := l.Start(ctx, 0, 0)
	defer stream.Close()
	n := 0
	for {
		b, err := stream.Next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		if _, _, err := m.Step(ctx, b.Images, b.Labels); err != nil {
			return nil, fmt.Errorf("computing the statistics of batch norms: %w", err)
		}
		for _, t := range m.StateDict().Tensors {
			if statistic(t.Name) {
				if err := add(sums, t); err != nil {
					return nil, err
				}
			}
		}
		n++
		if tell != nil {
			tell(b.N)
		}
	}
	out := &weights.StateDict{}
	for _, t := range m.StateDict().Tensors {
		if sum, ok := sums[t.Name]; ok {
			v := make([]float32, len(sum))
			for i := range v {
				v[i] = float32(sum[i] / float64(n))
			}
			t = weights.NewFloat32(t.Name, t.Shape, v)
		}
		out.Tensors = append(out.Tensors, t)
	}
	return out, nil
}

// statistic reports whether name is a running statistic of a batch norm.
func statistic(name string) bool {
	return strings.HasSuffix(name, "."+nn.RunningMean.String()) || strings.HasSuffix(name, "."+nn.RunningVar.String())
}

// add adds the values of t to the sums of its name.
func add(sums map[string][]float64, t weights.Tensor) error {
	v, err := t.Float32s()
	if err != nil {
		return err
	}
	if sums[t.Name] == nil {
		sums[t.Name] = make([]float64, len(v))
	}
	for i, x := range v {
		sums[t.Name][i] += float64(x)
	}
	return nil
}
