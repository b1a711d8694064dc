// Package graph computes the loss and the gradients of networks. It lowers an nn.Graph to
// a gorgonia graph of its own operations, and runs that on a TapeMachine.
//
//	m, err := graph.New(network, stateDict, graph.Options{Batch: 8, Loss: loss})
//	loss, logits, err := m.Step(ctx, images, labels) // gradients add up
//	err = m.Update(optimizer, 1e-3, 1)               // uses and clears them
//
// Images are normalized NHWC float32, as in runtime/engine. Labels and logits have the
// shape (n, classes), in row-major order. Results are the same bits for any number of
// threads.
//
// Batch norm and dropout behave as in PyTorch. In training, a batch norm uses the
// statistics of the batch and updates the running ones. In Predict, and in a frozen layer,
// it uses the running ones.
package graph

// Gorgonia refuses releases of Go that its version of this package does not know. The
// import keeps a version in go.mod that knows ours.
import _ "go4.org/unsafe/assume-no-moving-gc"

// Loss returns the mean loss of logits against labels, and writes its gradient with
// respect to the logits to grad. All three have the shape (n, classes). It must not keep
// the slices.
type Loss func(grad, logits, labels []float32, n, classes int) float64

// Options configures a Model. Loss is required.
type Options struct {
	// Batch is the largest number of images of one Step; 0 means 8. Predict takes any
	// number, and computes this many at once.
	Batch int
	// Loss is the function whose gradient Step computes.
	Loss Loss
	// Threads is the number of goroutines; 0 means one for each core.
	Threads int
	// Seed seeds the random numbers of dropout.
	Seed uint64
	// Freeze reports whether a parameter, named by its state-dict key, is not trained;
	// nil trains all. A batch norm whose weight and bias are both frozen uses its running
	// statistics and does not change them.
	Freeze func(param string) bool
	// BNMomentum is the share of a batch in the running statistics; 0 means PyTorch's
	// 0.1.
	BNMomentum float64
}

// NaNError is returned when a step computes NaN or infinity. It names the first layer.
type NaNError struct {
	// Layer is the name of the layer, e.g. "layer1.0.bn1", or "the loss".
	Layer string
	// Backward reports that the gradient is not finite, while the output is.
	Backward bool
}

func (e *NaNError) Error() string {
	if e.Backward {
		return "the gradient of " + e.Layer + " is not finite"
	}
	return "the output of " + e.Layer + " is not finite"
}
