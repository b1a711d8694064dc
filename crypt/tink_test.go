package crypt_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// Sizes in bytes, repeated here so that a change in the package fails the tests.
const (
	segmentSize = 1 << 20
	tagSize     = 16
	headerSize  = 40
	firstPlain  = segmentSize - headerSize - tagSize
	fullPlain   = segmentSize - tagSize
)

// edgeSizes are plaintext sizes around every edge of the format.
var edgeSizes = []int{
	0, 1, 2, 15, 16, 17, 1000,
	firstPlain - 1, firstPlain, firstPlain + 1,
	segmentSize - 1, segmentSize, segmentSize + 1,
	firstPlain + fullPlain - 1, firstPlain + fullPlain, firstPlain + fullPlain + 1,
	firstPlain + 4*fullPlain - 1, firstPlain + 4*fullPlain, firstPlain + 4*fullPlain + 1,
}

func TestTinkReadsWhatWeWrite(t *testing.T) {
	key := testKey(t, 1)
	for _, n := range edgeSizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			plain := pattern(n)
			sealed := encrypt(t, key, "model.safetensors", plain)
			r, err := tink(t, key).NewDecryptingReader(bytes.NewReader(sealed), []byte("model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("Tink read %d bytes, %v; want the %d that were written", len(got), err, n)
			}
		})
	}
}

func TestWeReadWhatTinkWrites(t *testing.T) {
	key := testKey(t, 2)
	for _, n := range edgeSizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			plain := pattern(n)
			var b bytes.Buffer
			w, err := tink(t, key).NewEncryptingWriter(&b, []byte("model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(plain); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := decrypt(b.Bytes(), key, "model.safetensors")
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("read %d bytes, %v; want the %d that Tink wrote", len(got), err, n)
			}
			if want := len(encrypt(t, key, "model.safetensors", plain)); b.Len() != want {
				t.Fatalf("Tink's file has %d bytes, ours %d", b.Len(), want)
			}
		})
	}
}

func tink(t testing.TB, key crypt.Key) *subtle.AESGCMHKDF {
	t.Helper()
	a, err := subtle.NewAESGCMHKDF(key.Bytes(), "SHA256", 32, segmentSize, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
