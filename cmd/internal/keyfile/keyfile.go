// Package keyfile loads the key of a command: from a file, where a passphrase may wrap
// it, or from the environment.
//
//	var key keyfile.Source
//	key.AddFlag(cmd.Flags())
//	// in RunE:
//	k, err := key.Load(cmd.Context())
//
// Load asks for the passphrase of a wrapped key on the terminal. It refuses files that
// are too large to be a key. Errors never show a part of a key.
package keyfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/crypt/passphrase"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/spf13/pflag"
)

// Env is the environment variable that holds a key's text if no file is named. Kernels
// read it too.
const Env = "DEPLOY_KERNEL_KEY"

// maxSize bounds the bytes of a key file.
const maxSize = 4096

// Source is the place of a key. The zero Source is the environment.
type Source struct {
	Path string // of the key file; "" means the environment
}

// AddFlag adds --key FILE to fs.
func (s *Source) AddFlag(fs *pflag.FlagSet) {
	fs.StringVar(&s.Path, "key", "", "`FILE` that holds the key (default: the key text in $"+Env+")")
}

// Given reports whether there is a key to load.
func (s *Source) Given() bool { return s.Path != "" || os.Getenv(Env) != "" }

// Load returns the key. If there is none, it returns an error with a hint.
func (s *Source) Load(ctx context.Context) (crypt.Key, error) {
	name, text := s.Path, ""
	switch {
	case s.Path != "":
		var err error
		if text, err = read(s.Path); err != nil {
			return crypt.Key{}, err
		}
	case os.Getenv(Env) != "":
		name, text = "$"+Env, os.Getenv(Env)
	default:
		return crypt.Key{}, hint.New(errors.New("no key was given"),
			"name its file by --key FILE, or set %s; `crypt keygen` makes a key", Env)
	}
	key, err := parse(ctx, name, text)
	if err != nil {
		return crypt.Key{}, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// Create makes a new key and writes it to a file that only its owner can read. It
// returns path.
func Create(path string) (string, error) {
	key, err := crypt.NewKey()
	if err != nil {
		return "", err
	}
	w, err := atomicfile.Create(path)
	if err != nil {
		return "", err
	}
	defer w.Close()
	if _, err := fmt.Fprintln(w, key.Text()); err != nil {
		return "", err
	}
	return path, w.CommitMode(0o600)
}

func parse(ctx context.Context, name, text string) (crypt.Key, error) {
	if !passphrase.IsWrapped(text) {
		return crypt.ParseKey(text)
	}
	secret, err := cli.ReadPassphrase(ctx, "passphrase of "+name+": ")
	if err != nil {
		return crypt.Key{}, err
	}
	return passphrase.Unwrap(text, secret)
}

func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the key: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", fmt.Errorf("reading the key: %w", err)
	}
	if len(b) > maxSize {
		return "", fmt.Errorf("%s: too large for a key file", path)
	}
	return crypt.KeyText(string(b)), nil
}
