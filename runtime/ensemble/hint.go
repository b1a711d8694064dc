package ensemble

import (
	"errors"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// HintError is an error with what the user can do about it, which is not part
// of its message.
type HintError struct {
	Err  error
	Text string
}

func (e *HintError) Error() string { return e.Err.Error() }
func (e *HintError) Unwrap() error { return e.Err }

// Hint returns the text, one sentence without a full stop.
func (e *HintError) Hint() string { return e.Text }

// Hint adds a hint to an error.
func Hint(err error, text string) error { return &HintError{err, text} }

// KindHint adds a hint to a *input.KindError that the user can settle. It returns
// other errors as they are.
func KindHint(err error) error {
	var kind *input.KindError
	if errors.As(err, &kind) && kind.Ambiguous {
		return Hint(err, "where each field may have several class numbers, say so by --submission labels")
	}
	return err
}
