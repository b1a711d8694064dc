package cli

import "fmt"

// usageError is an error about arguments, which sets exit status 2. An empty one prints
// nothing.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// Usagef returns an error that sets exit status 2. It is for arguments and flags that
// contradict each other in a way that cobra can't check.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// interruptedError replaces the message "interrupted".
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
