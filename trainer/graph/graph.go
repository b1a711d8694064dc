// Package graph trains networks: it lowers an nn.Graph to a gorgonia graph
// whose every node is an operation of ours, and runs it on a TapeMachine.
//
//	m, err := graph.New(network, stateDict, graph.Options{Batch: 8, Loss: loss})
//	loss, logits, err := m.Step(ctx, images, labels) // gradients add up
//	err = m.Update(optimizer, 1e-3, 1)               // and are used and zeroed
//
// Images are NHWC float32, normalised, as runtime/engine takes them; labels and
// logits are (n, classes), row-major. Results are the same bits for any number
// of threads.
//
// Batch norm and dropout behave as PyTorch's: in training by the batch's
// statistics, which also move the running ones; in Predict, and where the layer
// is frozen, by the running ones.
package graph

import (
	"context"
	"errors"
	"iter"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
)

// Loss returns the mean loss of logits against labels, both (n, classes), and
// writes its gradient with respect to the logits into grad. It must not keep
// the slices.
type Loss func(grad, logits, labels []float32, n, classes int) float64

// Options are the choices of [New]; Loss is required.
type Options struct {
	// Batch is the largest number of images of one Step; 0 means 8. Predict
	// takes any number and computes this many at once.
	Batch int
	// Loss is what Step lowers.
	Loss Loss
	// Threads is how many goroutines compute; 0 means one a core.
	Threads int
	// Seed is the seed of dropout.
	Seed uint64
	// Freeze tells which parameters (state-dict keys, as Gradients names them)
	// are not trained; nil trains all. A batch norm whose weight and bias are
	// both frozen uses its running statistics, and leaves them as they are.
	Freeze func(param string) bool
	// BNMomentum is the weight of a batch in the running statistics; 0 means
	// PyTorch's 0.1.
	BNMomentum float64
}

// Model is a network being trained. It must not be used by two goroutines at
// once.
type Model struct{}

// New prepares a network for training, with a copy of the weights. It refuses
// a state dict that lacks a tensor of the network or has one of another shape.
func New(g *nn.Graph, dict *weights.StateDict, o Options) (*Model, error) { return nil, errNotYet }

// Step computes the loss of n <= Options.Batch images, its gradient, which is
// added to what earlier steps left, and the logits, (n, classes), valid until
// the next call. Batch norms' running statistics move.
//
// Where a number is not finite it returns a [*NaNError]; then, and when the
// context ended, the weights and statistics are as they were before the step,
// and the gradients are zero.
func (m *Model) Step(ctx context.Context, images, labels []float32) (loss float64, logits []float32, err error) {
	return 0, nil, errNotYet
}

// NaNError tells where the first NaN or infinity of a step came up.
type NaNError struct {
	// Layer is the name of the layer, e.g. "layer1.0.bn1", or "loss".
	Layer string
	// Backward is set where the gradient is at fault, not the output.
	Backward bool
}

func (e *NaNError) Error() string {
	if e.Backward {
		return "the gradient of " + e.Layer + " is not finite"
	}
	return "the output of " + e.Layer + " is not finite"
}

// Update lets the optimiser change the weights by the gradients times scale (1
// over the number of steps since the last update, to train on their mean), and
// zeroes the gradients.
func (m *Model) Update(opt optim.Optimizer, lr, scale float64) error { return errNotYet }

// Predict computes the logits, (n, classes), of n images in evaluation mode, in
// a new slice. When the context ends, it stops between two batches.
func (m *Model) Predict(ctx context.Context, images []float32, n int) (logits []float32, err error) {
	return nil, errNotYet
}

// StateDict returns a copy of the weights and running statistics, under the
// names, in the order and with the metadata of the dict that New was given;
// counters num_batches_tracked count the steps.
func (m *Model) StateDict() *weights.StateDict { return nil }

// Load copies the values of another state dict of the same network into the
// model. On an error the model is as it was.
func (m *Model) Load(dict *weights.StateDict) error { return errNotYet }

// SetFrozen changes which parameters are trained, as Options.Freeze does, and
// zeroes the gradients.
func (m *Model) SetFrozen(freeze func(param string) bool) error { return errNotYet }

// Gradients lists the trained parameters in the network's order: values and
// gradients are the model's own, to be read, or changed between two calls.
func (m *Model) Gradients() iter.Seq[optim.Param] { return nil }

// RNG returns the state of dropout's random numbers: with it, the weights and
// the optimiser's state a training resumes bit for bit.
func (m *Model) RNG() uint64 { return 0 }

// SetRNG restores what RNG returned.
func (m *Model) SetRNG(state uint64) {}

var errNotYet = errors.New("graph: not built")
