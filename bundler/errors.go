package bundler

import "go/token"

// A sourceWarning is something that the program does, and that can't be the same
// in one package.
type sourceWarning struct {
	Pos  token.Position // may be invalid
	Text string
}

// String returns file:line:col: text.
func (w sourceWarning) String() string {
	if !w.Pos.IsValid() {
		return w.Text
	}
	return w.Pos.String() + ": " + w.Text
}

// A sourceError is a refusal or a mistake in the program: where, what, and what
// to do.
type sourceError struct {
	Pos  token.Position // may be invalid
	Text string
	Hint string // may be empty
}

// Error returns file:line:col: text.
func (e *sourceError) Error() string { return sourceWarning{e.Pos, e.Text}.String() }
