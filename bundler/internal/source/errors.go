package source

import "go/token"

// A Warning names a place where the bundle can behave in another way than the
// program.
type Warning struct {
	Pos  token.Position // invalid if the warning is about the whole program
	Text string
}

// String returns "file:line:col: text".
func (w Warning) String() string {
	if !w.Pos.IsValid() {
		return w.Text
	}
	return w.Pos.String() + ": " + w.Text
}

// An Error reports a mistake in the program, or a program that one Go file can't
// hold.
type Error struct {
	Pos  token.Position // invalid if the error has no single place
	Text string         // what is wrong
	Hint string         // what to do about it; may be empty
}

// Error returns "file:line:col: text".
func (e *Error) Error() string { return Warning{e.Pos, e.Text}.String() }
