package predict

import (
	"context"
	"io"
	"runtime"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Options configure a run. Archs, Operations, Formats and Output are required.
type Options struct {
	Archs      []arch.Arch        // at least the architectures of the plan
	Operations []engine.Operation // at least those of their networks
	Formats    []vision.Format    // image formats to decode

	// Key decrypts the weights. If it is nil, Run tries the key files (*.key) under
	// Input.
	Key *crypt.Key
	// Read returns the plain safetensors file of a fold. If it is nil, Run reads the
	// weights under Input.
	Read func(ctx context.Context, f *ensemble.Fold) ([]byte, error)

	Input  string // input root; "" means input.DefaultRoot()
	Sample string // file of the sample submission; "" searches Input for it
	Images string // folder of the images; "" searches Input for it
	// Submission is the answer that the user asks for. Unsettled leaves it to the plan.
	Submission input.Answer
	Output     string // file of the submission
	// Predictions is an existing folder for level1_test_<fold>.npy files; "" writes
	// none.
	Predictions string
	// Scratch is a folder for the predictions of finished folds, from which an
	// interrupted run resumes. Run makes it and empties it in the end. "" keeps nothing.
	Scratch string

	Threads int // computing goroutines; 0 means one for each core
	Batch   int // network inputs at a time; 0 means 32
	Limit   int // number of rows of the sample submission to answer; 0 means all

	// Partial lets the run go on without folds whose weights are missing or damaged.
	Partial bool
	// Budget is the time limit of the run, counted from Start; 0 means none.
	Budget time.Duration
	// Start is when the budget began; zero means now.
	Start time.Time

	// Log receives messages, one a line; nil drops them. On a terminal, one line of
	// progress is overwritten again and again.
	Log io.Writer
	// Tool is the first word of each message; "" means "kernel".
	Tool string

	load loader // makes networks; a test may replace it
}

// withDefaults returns o with defaults in place of zero values.
func (o Options) withDefaults() Options {
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	o.Threads, o.Batch = defaults(o.Threads, o.Batch)
	if o.load == nil {
		o.load = loaderOf(o.Operations)
	}
	if o.Input == "" {
		o.Input = input.DefaultRoot()
	}
	if o.Tool == "" {
		o.Tool = "kernel"
	}
	return o
}

// defaults returns the number of threads and the batch size to use.
func defaults(threads, batch int) (int, int) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if batch <= 0 {
		batch = 32
	}
	return threads, batch
}
