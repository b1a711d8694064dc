package crypt

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt/internal/stream"
)

// KeySize is the number of bytes of a key.
const KeySize = stream.KeySize

const (
	keyPrefix    = "deploy-kernel-key-1:"
	checksumSize = 4
)

// WrappedPrefix begins the text of every key that is wrapped under a passphrase.
const WrappedPrefix = "deploy-kernel-wrapped-key-"

// ErrWrapped is returned by [ParseKey] for a key that is wrapped under a passphrase.
// Package crypt/passphrase unwraps it.
var ErrWrapped = errors.New("the key is wrapped under a passphrase")

// Key is the secret that files are encrypted under: 32 random bytes. A Key may be
// copied and used by several goroutines; [Key.Equal] compares two. The zero Key is
// not a key, and every function that needs a key refuses it.
//
// No format verb, log handler or encoder shows its bytes. Only [Key.Text] and
// [Key.Bytes] return them.
type Key struct {
	// The secret is behind a function because nothing that walks values looks into
	// one. fmt follows pointers in the unexported fields of other structs, where it
	// cannot call the Format method of Key.
	secret func() *[KeySize]byte
}

// newKey returns a key that keeps secret.
func newKey(secret *[KeySize]byte) Key {
	return Key{func() *[KeySize]byte { return secret }}
}

// NewKey returns a new key from the random source of the operating system.
func NewKey() (Key, error) {
	var secret [KeySize]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return Key{}, fmt.Errorf("making a key: %w", err)
	}
	return newKey(&secret), nil
}

// KeyFromBytes returns the key of the [KeySize] bytes of b. It copies b.
func KeyFromBytes(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("a key has %d bytes, not %d", KeySize, len(b))
	}
	secret := [KeySize]byte(b)
	return newKey(&secret), nil
}

// ParseKey parses the text form of a key, or the content of a key file (see
// [KeyText]). Its errors do not show the text.
func ParseKey(text string) (Key, error) {
	text = KeyText(text)
	if strings.HasPrefix(text, WrappedPrefix) {
		return Key{}, ErrWrapped
	}
	if text == "" {
		return Key{}, errors.New("the key is empty")
	}
	body, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return Key{}, fmt.Errorf("not a key: it must begin with %q", keyPrefix)
	}
	body, _, ok = strings.Cut(body, ":")
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(KeySize) {
		return Key{}, errors.New("the key is too short or too long")
	}
	secret, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || len(secret) != KeySize {
		return Key{}, errors.New("the key has characters that no key has")
	}
	k := newKey((*[KeySize]byte)(secret))
	// A key has exactly one text, so this checks the checksum and everything else.
	if subtle.ConstantTimeCompare([]byte(k.Text()), []byte(text)) != 1 {
		return Key{}, errors.New("the key's checksum does not match: it was mistyped or cut")
	}
	return k, nil
}

// Text returns the secret text form of k, one line without a newline:
//
//	deploy-kernel-key-1:<43 characters of base64url>:<8 hex digits of checksum>
func (k Key) Text() string {
	b := k.bytes()
	return keyPrefix + base64.RawURLEncoding.EncodeToString(b[:]) + ":" + k.ID()
}

// Bytes returns a copy of the secret bytes, for example for Tink.
func (k Key) Bytes() []byte {
	b := *k.bytes()
	return b[:]
}

// ID returns the checksum at the end of the text form: 8 hex digits that identify the
// key and are not secret.
func (k Key) ID() string {
	sum := sha256.Sum256(append([]byte(keyPrefix), k.bytes()[:]...))
	return hex.EncodeToString(sum[:checksumSize])
}

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k.secret == nil }

// Equal reports in constant time whether k and other are the same key.
func (k Key) Equal(other Key) bool {
	if k.IsZero() || other.IsZero() {
		return k.IsZero() && other.IsZero()
	}
	return subtle.ConstantTimeCompare(k.secret()[:], other.secret()[:]) == 1
}

// String returns the ID of k, without the secret.
func (k Key) String() string {
	if k.IsZero() {
		return "no key"
	}
	return "key " + k.ID() + " (secret)"
}

// GoString returns the same as [Key.String].
func (k Key) GoString() string { return k.String() }

// Format writes [Key.String], whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue returns the same as [Key.String].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns an error, so that no encoder writes a key by mistake.
func (k Key) MarshalText() ([]byte, error) {
	return nil, errors.New("crypt: keys can't be encoded; call Text to reveal one")
}

// bytes returns the secret, or zeros for the zero Key.
func (k Key) bytes() *[KeySize]byte {
	if k.secret == nil {
		return new([KeySize]byte)
	}
	return k.secret()
}
