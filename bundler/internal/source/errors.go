package source

import "go/token"

// A Warning is something that the program does, and that can't be the same
// in one package.
type Warning struct {
	Pos  token.Position // may be invalid
	Text string
}

// String returns file:line:col: text.
func (w Warning) String() string {
	if !w.Pos.IsValid() {
		return w.Text
	}
	return w.Pos.String() + ": " + w.Text
}

// A Error is a refusal or a mistake in the program: where, what, and what
// to do.
type Error struct {
	Pos  token.Position // may be invalid
	Text string
	Hint string // may be empty
}

// Error returns file:line:col: text.
func (e *Error) Error() string { return Warning{e.Pos, e.Text}.String() }
