package crypt_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

// testKey returns key number n of the tests.
func testKey(t testing.TB, n byte) crypt.Key {
	t.Helper()
	sum := sha256.Sum256([]byte{n})
	k, err := crypt.KeyFromBytes(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pattern returns n bytes that differ from segment to segment.
func pattern(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// encrypt returns the encrypted file of a plaintext.
func encrypt(t testing.TB, key crypt.Key, name string, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := crypt.NewWriter(&b, key, name)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(plain); n != len(plain) || err != nil {
		t.Fatalf("Write = %d, %v; want %d", n, err, len(plain))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decrypt returns the plaintext of an encrypted file.
func decrypt(sealed []byte, key crypt.Key, name string) ([]byte, error) {
	r, err := crypt.NewReaderAt(bytes.NewReader(sealed), int64(len(sealed)), key, name)
	if err != nil {
		return nil, err
	}
	return r.ReadAll(context.Background(), 2)
}
