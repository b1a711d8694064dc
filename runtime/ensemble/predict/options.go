package predict

import (
	"context"
	"io"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Options say where and how a plan is run. Archs, Formats and Output are
// needed, the rest has defaults.
type Options struct {
	Archs []arch.Arch // those that the plan names, or more
	// Formats are the formats of images that can be decoded.
	Formats []vision.Format
	// Key opens encrypted weights. Where it is nil and weights are encrypted,
	// the key files under Input (*.key) are tried.
	Key *crypt.Key

	// Read, where not nil, returns the plain safetensors file of a fold, for
	// runs whose weights are not under Input.
	Read func(ctx context.Context, f *ensemble.Fold) ([]byte, error)

	Input  string // the input root; "" is input.DefaultRoot()
	Sample string // the sample submission; "" is searched for under Input
	Images string // the folder of the images; "" is searched for under Input
	// Submission overrides that of the plan.
	Submission input.Submission
	Output     string // the submission
	// Predictions is an existing folder for level1_test_<fold>.npy files; ""
	// writes none.
	Predictions string
	// Scratch is a folder for what a restart needs to go on, made if it is
	// not there; "" keeps nothing. It is emptied when the run ends well.
	Scratch string

	Threads int // 0 is one for each core
	Batch   int // images at a time; 0 is 32
	Limit   int // only the first images of the sample; 0 is all

	// Partial lets the run go on without folds whose weights are missing or
	// damaged.
	Partial bool
	// Budget is how long the run may take from Start on; 0 is without end.
	Budget time.Duration
	// Start is when the budget began; zero is when Run is called.
	Start time.Time

	// Log receives progress and warnings as lines of text; nil drops them.
	// On a terminal, progress is one line that is overwritten.
	Log io.Writer
	// Tool begins each line; "" is "kernel".
	Tool string

	// load replaces how a network is made, in tests.
	load loader
}

// Summary is what a run did.
type Summary struct {
	Images     int      // rows of the submission
	Unreadable []string // ids whose image is missing or can't be decoded
	Damaged    []string // ids whose image was used although its file is damaged
	Defaults   int      // rows without prediction, which have the default labels
	Folds      int      // folds that were predicted whole
	Resumed    int      // of these, taken from scratch
	Dropped    []string // folds that the submission lacks or has in part, each with the reason
	Reduced    []string // folds with fewer views than planned
	Took       time.Duration
}

func (o *Options) tool() string {
	if o.Tool == "" {
		return "kernel"
	}
	return o.Tool
}
