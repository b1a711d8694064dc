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
