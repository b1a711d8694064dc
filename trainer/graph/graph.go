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

// Gorgonia refuses releases of Go that its version of this package does not know. The
// import keeps a version in go.mod that knows ours.
import _ "go4.org/unsafe/assume-no-moving-gc"

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

// NaNError tells where the first NaN or infinity of a step came up.
type NaNError struct {
	// Layer is the name of the layer, e.g. "layer1.0.bn1", or "the loss".
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
