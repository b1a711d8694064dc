package cli

import "fmt"

// usageError tells of arguments that make no sense; exit status 2. An empty one
// prints nothing.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// Usagef makes an error that ends the process with status 2: for arguments and
// flags that do not fit each other, which cobra can't know.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// hintError carries a hint beside an error, out of its message.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }
func (e *hintError) Hint() string  { return e.hint }

// Hint attaches to err what the user can do about it; it is printed on a line
// of its own. It returns nil where err is nil.
func Hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// interruptedError replaces "interrupted" by a message about what was saved.
type interruptedError struct {
	err     error
	message string
}

func (e *interruptedError) Error() string { return e.message }
func (e *interruptedError) Unwrap() error { return e.err }

// Interrupted attaches a message to err, the error of a canceled context. The
// message is printed in place of "interrupted": what was saved, and how to continue.
func Interrupted(err error, format string, args ...any) error {
	return &interruptedError{err, fmt.Sprintf(format, args...)}
}

// hints returns all hints in err's tree, inner ones first. Errors of packages
// that don't know this one give theirs by a method Hint.
func hints(err error) []string {
	var all []string
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			all = append(all, hints(sub)...)
		}
	case interface{ Unwrap() error }:
		if sub := e.Unwrap(); sub != nil {
			all = hints(sub)
		}
	}
	if h, ok := err.(interface{ Hint() string }); ok {
		all = append(all, h.Hint())
	}
	return all
}
