package supply

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Source supplies the weights of folds. Its methods are safe for concurrent use.
type Source interface {
	// Check returns an error if the weights of f are missing or can't be opened. The
	// contents may still turn out to be damaged. The error is ErrMissing if no file has
	// them.
	Check(ctx context.Context, f *ensemble.Fold) error
	// Read returns the plain safetensors file of f. The caller owns the bytes until it
	// passes them to Release.
	Read(ctx context.Context, f *ensemble.Fold) ([]byte, error)
	// Release takes back bytes that Read returned, for the next Read.
	Release(data []byte)
}

// Func is a Source without files: a function that returns the plain safetensors file of
// a fold.
type Func func(ctx context.Context, f *ensemble.Fold) ([]byte, error)

// Check returns nil.
func (read Func) Check(context.Context, *ensemble.Fold) error { return nil }

// Read calls the function.
func (read Func) Read(ctx context.Context, f *ensemble.Fold) ([]byte, error) { return read(ctx, f) }

// Release does nothing.
func (read Func) Release([]byte) {}
