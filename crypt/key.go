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

// KeySize is how many bytes a key has.
const KeySize = stream.KeySize

const (
	keyPrefix = "deploy-kernel-key-1:"
	checksumSize = 4
)

// WrappedPrefix begins the text of every key that is wrapped under a passphrase.
const WrappedPrefix = "deploy-kernel-wrapped-key-"

// ErrWrapped is returned by [ParseKey] for a key that is wrapped under a
// passphrase; package crypt/passphrase unwraps it.
var ErrWrapped = errors.New("the key is wrapped under a passphrase")

// Key is the secret that files are encrypted under: 32 random bytes. It is a
// value that can be copied and used by any number of goroutines, and compared
// by [Key.Equal]. The zero Key is no key, and refused wherever one is needed.
//
// No format verb, log handler or encoder shows its bytes: only [Key.Text] and
// [Key.Bytes] do.
type Key struct {
	// A function, for nothing that walks over values sees into one: fmt follows
	// a pointer where a Key lies in another struct's unexported field, out of
	// reach of its Format method.
	secret func() *[KeySize]byte
}

// newKey makes a key of the secret, which it keeps.
func newKey(secret *[KeySize]byte) Key {
	return Key{func() *[KeySize]byte { return secret }}
}

// NewKey makes a key from the system's random source.
func NewKey() (Key, error) {
	var secret [KeySize]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return Key{}, fmt.Errorf("making a key: %w", err)
	}
	return newKey(&secret), nil
}

// KeyFromBytes makes a key of the [KeySize] bytes of b, which it copies.
func KeyFromBytes(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("a key has %d bytes, not %d", KeySize, len(b))
	}
	secret := [KeySize]byte(b)
	return newKey(&secret), nil
}

// ParseKey reads the text form of a key, or a file that holds it (see
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
		return Key{}, errors.New("the key is cut or has bytes too many")
	}
	secret, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || len(secret) != KeySize {
		return Key{}, errors.New("the key has characters that keys do not have")
	}
	k := newKey((*[KeySize]byte)(secret))
	// There is one text for each key: this checks the checksum and all else.
	if subtle.ConstantTimeCompare([]byte(k.Text()), []byte(text)) != 1 {
		return Key{}, errors.New("the key's checksum does not match: it was mistyped or cut")
	}
	return k, nil
}

// Text returns the secret text form of k, one line without its end:
//
//	deploy-kernel-key-1:<43 characters of base64url>:<8 hex digits of checksum>
func (k Key) Text() string {
	b := k.bytes()
	return keyPrefix + base64.RawURLEncoding.EncodeToString(b[:]) + ":" + k.ID()
}

// Bytes returns a copy of the secret bytes, for use with Tink.
func (k Key) Bytes() []byte {
	b := *k.bytes()
	return b[:]
}

// ID returns the checksum that ends the text form of k: 8 hex digits that tell
// keys apart and may be shown.
func (k Key) ID() string {
	sum := sha256.Sum256(append([]byte(keyPrefix), k.bytes()[:]...))
	return hex.EncodeToString(sum[:checksumSize])
}

// IsZero reports whether k is the zero Key, which is no key.
func (k Key) IsZero() bool { return k.secret == nil }

// Equal reports in constant time whether k and other are the same key.
func (k Key) Equal(other Key) bool {
	if k.IsZero() || other.IsZero() {
		return k.IsZero() && other.IsZero()
	}
	return subtle.ConstantTimeCompare(k.secret()[:], other.secret()[:]) == 1
}

// String returns a text that does not show the secret.
func (k Key) String() string {
	if k.IsZero() {
		return "no key"
	}
	return "key " + k.ID() + " (secret)"
}

// GoString returns the same as [Key.String].
func (k Key) GoString() string { return k.String() }

// Format writes the same as [Key.String] whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue returns the same as [Key.String].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns an error, so that no encoder writes keys by mistake.
func (k Key) MarshalText() ([]byte, error) {
	return nil, errors.New("crypt: a key is not to be encoded: call its Text method to reveal it")
}

// bytes returns the secret, or zero bytes for the zero Key.
func (k Key) bytes() *[KeySize]byte {
	if k.secret == nil {
		return new([KeySize]byte)
	}
	return k.secret()
}
