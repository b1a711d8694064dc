package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"golang.org/x/term"
)

// minPassphrase is the smallest number of characters of a new passphrase.
const minPassphrase = 8

// errNoTerminal is returned when there is no terminal to ask on.
var errNoTerminal = hint.New(errors.New("there is no terminal to ask for the passphrase"),
	"run the command on a terminal, or use a key file without passphrase")

// ReadPassphrase asks for a passphrase on the process's terminal without echo, even if
// standard input is something else. If ctx ends, it restores the terminal and returns
// ctx's error.
func ReadPassphrase(ctx context.Context, prompt string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			return nil, errNoTerminal
		}
		return readSecret(ctx, os.Stdin, os.Stderr, prompt)
	}
	defer tty.Close()
	return readSecret(ctx, tty, tty, prompt)
}

// NewPassphrase asks twice for a new passphrase. It refuses a short one, and two that
// differ.
func NewPassphrase(ctx context.Context) ([]byte, error) {
	first, err := ReadPassphrase(ctx, "new passphrase: ")
	if err != nil {
		return nil, err
	}
	if utf8.RuneCount(first) < minPassphrase {
		return nil, fmt.Errorf("the passphrase is too short: it needs %d characters", minPassphrase)
	}
	second, err := ReadPassphrase(ctx, "the same again: ")
	if err != nil {
		return nil, err
	}
	if string(first) != string(second) {
		return nil, errors.New("the two passphrases differ")
	}
	return first, nil
}

// readSecret reads a line from the terminal in without echo.
func readSecret(ctx context.Context, in, out *os.File, prompt string) ([]byte, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("asking for the passphrase: %w", err)
	}
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	type answer struct {
		secret []byte
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		secret, err := term.ReadPassword(fd)
		answered <- answer{secret, err}
	}()
	select {
	case <-ctx.Done():
		// The read can't be canceled, but the process is about to end.
		_ = term.Restore(fd, before)
		return nil, ctx.Err()
	case a := <-answered:
		if a.err != nil {
			return nil, fmt.Errorf("reading the passphrase: %w", a.err)
		}
		return a.secret, nil
	}
}
