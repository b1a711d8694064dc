// Package hint attaches to an error what the user can do about it.
//
//	err = hint.New(err, "name the key's file by --key")
//
// The hint is not part of the error's message: commands print it on a line of its
// own. The package imports the standard library only, so every other package may
// use it.
package hint

import "fmt"

// Error is an error with a hint.
type Error struct {
	Err  error
	Text string // one sentence without a full stop
}

// Error returns the message of e.Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns e.Text.
func (e *Error) Hint() string { return e.Text }

// New returns err with a formatted hint. It returns nil if err is nil.
func New(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{err, fmt.Sprintf(format, args...)}
}

// All returns the hints in the tree of err, inner ones first. An error has a hint
// if it has the method Hint() string.
func All(err error) []string {
	var all []string
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			all = append(all, All(sub)...)
		}
	case interface{ Unwrap() error }:
		if sub := e.Unwrap(); sub != nil {
			all = All(sub)
		}
	}
	if h, ok := err.(interface{ Hint() string }); ok {
		all = append(all, h.Hint())
	}
	return all
}
