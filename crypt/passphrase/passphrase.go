// Package passphrase wraps keys under a passphrase, so that a key file alone opens
// nothing.
//
//	text, err := passphrase.Wrap(key, []byte("correct horse"), passphrase.Params{})
//	key, err := passphrase.Unwrap(text, []byte("correct horse"))
//
// A wrapped key is one line of text:
//
//	deploy-kernel-wrapped-key-1:argon2id:t=4,m=262144,p=4:<salt>:<sealed key>
//
// Argon2id (RFC 9106) derives 32 bytes from the passphrase and the 16-byte salt, with
// t passes, m KiB of memory and p lanes. ChaCha20-Poly1305 seals the 32 bytes of the
// key under them. Its nonce is zero, as no salt comes twice. Its associated data is
// the line before the last colon. Salt and sealed key are in base64url without
// padding.
//
// The package refuses lines that ask for more work than [Params] allows, before doing
// any. [ErrPassphrase] does not tell a wrong passphrase from a changed line.
//
// The package is separate from crypt because it needs golang.org/x/crypto, which
// generated kernels can't contain. Kernels take unwrapped keys.
package passphrase

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	prefix   = crypt.WrappedPrefix + "1:argon2id:"
	saltSize = 16
)

// ErrPassphrase is returned by [Unwrap] for a wrong passphrase or a changed line.
var ErrPassphrase = errors.New("wrong passphrase or damaged key")

// Params set the cost of one guess of a passphrase. The zero Params mean 4 passes
// over 256 MiB, which take about a second.
type Params struct {
	Passes int // 1 to 64
	Memory int // in KiB, from 8 per lane to 1 GiB
	Lanes  int // 1 to 64
}

// The limits of the work for an unknown line.
const (
	maxPasses = 64
	maxMemory = 1 << 20 // KiB
	maxLanes  = 64
	maxWork   = 16 << 20 // KiB filled in all passes: about half a minute
)

func (p Params) check() error {
	if p.Passes < 1 || p.Passes > maxPasses || p.Lanes < 1 || p.Lanes > maxLanes ||
		p.Memory < 8*p.Lanes || p.Memory > maxMemory || p.Memory*p.Passes > maxWork {
		return fmt.Errorf("argon2id with %d passes over %d KiB in %d lanes is out of bounds", p.Passes, p.Memory, p.Lanes)
	}
	return nil
}

// IsWrapped reports whether text looks like a wrapped key.
func IsWrapped(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), crypt.WrappedPrefix)
}

// Wrap returns the text form of key, wrapped under the passphrase: one line without a
// newline.
func Wrap(key crypt.Key, passphrase []byte, p Params) (string, error) {
	if p == (Params{}) {
		p = Params{Passes: 4, Memory: 256 << 10, Lanes: 4}
	}
	if err := p.check(); err != nil {
		return "", fmt.Errorf("wrapping a key: %w", err)
	}
	if key.IsZero() {
		return "", errors.New("wrapping a key: no key")
	}
	if len(passphrase) == 0 {
		return "", errors.New("wrapping a key: no passphrase")
	}
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("wrapping a key: %w", err)
	}
	header := fmt.Sprintf("%st=%d,m=%d,p=%d:%s", prefix, p.Passes, p.Memory, p.Lanes, encoding.EncodeToString(salt))
	aead, err := chacha20poly1305.New(p.derive(passphrase, salt))
	if err != nil {
		return "", fmt.Errorf("wrapping a key: %w", err)
	}
	sealed := aead.Seal(nil, make([]byte, aead.NonceSize()), key.Bytes(), []byte(header))
	return header + ":" + encoding.EncodeToString(sealed), nil
}

// Unwrap returns the key that text wraps; it ignores white space around text. It
// returns [ErrPassphrase], or an error that says what is wrong with the text.
func Unwrap(text string, passphrase []byte) (crypt.Key, error) {
	text = strings.TrimSpace(text)
	header, p, salt, sealed, err := parse(text)
	if err != nil {
		return crypt.Key{}, fmt.Errorf("unwrapping a key: %w", err)
	}
	aead, err := chacha20poly1305.New(p.derive(passphrase, salt))
	if err != nil {
		return crypt.Key{}, fmt.Errorf("unwrapping a key: %w", err)
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed, []byte(header))
	if err != nil {
		return crypt.Key{}, ErrPassphrase
	}
	return crypt.KeyFromBytes(plain)
}

// encoding refuses padding and trailing bits. The checks of lengths refuse line
// breaks.
var encoding = base64.RawURLEncoding.Strict()

func parse(text string) (header string, p Params, salt, sealed []byte, err error) {
	fail := func(format string, args ...any) (string, Params, []byte, []byte, error) {
		return "", Params{}, nil, nil, fmt.Errorf(format, args...)
	}
	body, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return fail("a wrapped key must begin with %q", prefix)
	}
	fields := strings.Split(body, ":")
	if len(fields) != 3 {
		return fail("the wrapped key has missing or extra parts")
	}
	if p, err = parseParams(fields[0]); err != nil {
		return fail("%w", err)
	}
	const sealedSize = crypt.KeySize + chacha20poly1305.Overhead
	if len(fields[1]) != encoding.EncodedLen(saltSize) || len(fields[2]) != encoding.EncodedLen(sealedSize) {
		return fail("the wrapped key is too short or too long")
	}
	salt, err1 := encoding.DecodeString(fields[1])
	sealed, err2 := encoding.DecodeString(fields[2])
	if err1 != nil || err2 != nil || len(salt) != saltSize || len(sealed) != sealedSize {
		return fail("the wrapped key has characters that no key has")
	}
	return text[:strings.LastIndexByte(text, ':')], p, salt, sealed, nil
}

// parseParams parses "t=4,m=262144,p=4".
func parseParams(s string) (Params, error) {
	var p Params
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return p, fmt.Errorf("argon2id parameters %q: want t=,m=,p=", s)
	}
	for i, f := range []struct {
		name string
		to   *int
	}{{"t=", &p.Passes}, {"m=", &p.Memory}, {"p=", &p.Lanes}} {
		text, ok := strings.CutPrefix(parts[i], f.name)
		v, err := strconv.ParseUint(text, 10, 31)
		if !ok || err != nil {
			return p, fmt.Errorf("argon2id parameters %q: want t=,m=,p= and decimal numbers", s)
		}
		*f.to = int(v)
	}
	return p, p.check()
}

func (p Params) derive(passphrase, salt []byte) []byte {
	return argon2.IDKey(passphrase, salt, uint32(p.Passes), uint32(p.Memory), uint8(p.Lanes), chacha20poly1305.KeySize)
}
