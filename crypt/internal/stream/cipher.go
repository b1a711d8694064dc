package stream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// ErrAuth is the only error by which this package refuses a file.
var ErrAuth = errors.New("wrong key, wrong name or damaged file")

// Header precedes the segments. It is public, and random for each file.
type Header struct {
	Salt   [SaltSize]byte
	Prefix [PrefixSize]byte
}

// Append appends the HeaderSize bytes of h to b.
func (h *Header) Append(b []byte) []byte {
	b = append(b, HeaderSize)
	b = append(b, h.Salt[:]...)
	return append(b, h.Prefix[:]...)
}

// ParseHeader parses the bytes of a header. ok reports whether they are one.
func ParseHeader(b []byte) (h Header, ok bool) {
	if len(b) != HeaderSize || b[0] != HeaderSize {
		return Header{}, false
	}
	copy(h.Salt[:], b[1:])
	copy(h.Prefix[:], b[1+SaltSize:])
	return h, true
}

// Cipher seals and opens the segments of one file. It is safe for concurrent use.
type Cipher struct {
	aead   cipher.AEAD
	prefix [PrefixSize]byte
}

// NewCipher derives the key of one file from the main key. No two files may share a
// header.
func NewCipher(key *[KeySize]byte, h *Header, associated string) (*Cipher, error) {
	fileKey, err := hkdf.Key(sha256.New, key[:], h.Salt[:], associated, KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(fileKey)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Cipher{aead: aead, prefix: h.Prefix}, nil
}

// Seal appends the encrypted segment i to dst. The caller must not seal a segment
// number twice. The spare capacity of dst may overlap plain only if dst is plain[:0].
func (c *Cipher) Seal(dst, plain []byte, i int64, last bool) []byte {
	nonce := c.nonce(i, last)
	return c.aead.Seal(dst, nonce[:], plain, nil)
}

// Open appends the plaintext of segment i to dst. If it returns ErrAuth, the spare
// capacity of dst holds no plaintext.
func (c *Cipher) Open(dst, segment []byte, i int64, last bool) ([]byte, error) {
	nonce := c.nonce(i, last)
	plain, err := c.aead.Open(dst, nonce[:], segment, nil)
	if err != nil {
		return nil, ErrAuth
	}
	return plain, nil
}

func (c *Cipher) nonce(i int64, last bool) [PrefixSize + 5]byte {
	if i < 0 || i >= MaxSegments {
		panic("stream: internal error: segment number out of range")
	}
	var n [PrefixSize + 5]byte
	copy(n[:], c.prefix[:])
	binary.BigEndian.PutUint32(n[PrefixSize:], uint32(i))
	if last {
		n[PrefixSize+4] = 1
	}
	return n
}
