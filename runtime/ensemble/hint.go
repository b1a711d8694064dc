package ensemble

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

func hint(err error, text string) error { return &HintError{err, text} }
