package crypt_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/crypt/internal/stream"
)

// A vector is a file of "name: value" lines, an empty line, and an encrypted file in
// hex. Tink 2.9.0 for Go wrote that file, or an attacker could have made it from such
// a file.
//
//	expect: ok, or auth for ErrAuth
//	key: 32 bytes in hex
//	name: the associated data
//	plain: SHA-256 of the plaintext, in hex
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			v := readVector(t, path)
			plain, err := decrypt(v.sealed, v.key, v.fields["name"])
			switch v.fields["expect"] {
			case "ok":
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprintf("%x", sha256.Sum256(plain)); got != v.fields["plain"] {
					t.Errorf("the plaintext's SHA-256 is %s, want %s", got, v.fields["plain"])
				}
			case "auth":
				if !errors.Is(err, crypt.ErrAuth) {
					t.Errorf("got %v, want ErrAuth", err)
				}
			default:
				t.Errorf("expect: %q", v.fields["expect"])
			}
		})
	}
}

// Each line of testdata/long.txt describes a file that Tink wrote under key 4 and the
// name "zeros". It has the length of the plaintext of zeros, the header in hex, and
// the SHA-256 of the whole file.
func TestLongVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/long.txt")
	if err != nil {
		t.Fatal(err)
	}
	key := testKey(t, 4)
	for line := range strings.Lines(string(b)) {
		var (
			n            int
			header, want []byte
		)
		if _, err := fmt.Sscanf(line, "%d %x %x", &n, &header, &want); err != nil {
			t.Fatal(err)
		}
		sealed := sealUnder(t, header, key, "zeros", make([]byte, n))
		if got := sha256.Sum256(sealed); !bytes.Equal(got[:], want) {
			t.Errorf("%d zeros: SHA-256 %x, want %x", n, got, want)
		}
		if plain, err := decrypt(sealed, key, "zeros"); err != nil || !bytes.Equal(plain, make([]byte, n)) {
			t.Errorf("%d zeros: read %d bytes, %v", n, len(plain), err)
		}
	}
}

// sealUnder returns the encrypted file that has the given header.
func sealUnder(t *testing.T, header []byte, key crypt.Key, name string, plain []byte) []byte {
	t.Helper()
	h, ok := stream.ParseHeader(header)
	if !ok {
		t.Fatal("bad header")
	}
	c, err := stream.NewCipher((*[32]byte)(key.Bytes()), &h, name)
	if err != nil {
		t.Fatal(err)
	}
	sealed := h.Append(nil)
	for i, room := int64(0), firstPlain; ; i, room = i+1, fullPlain {
		last := len(plain) <= room
		k := min(room, len(plain))
		sealed = c.Seal(sealed, plain[:k], i, last)
		if plain = plain[k:]; last {
			return sealed
		}
	}
}

type vector struct {
	fields map[string]string
	key    crypt.Key
	sealed []byte
}

func readVector(t *testing.T, path string) vector {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		t.Fatal("no empty line")
	}
	v := vector{fields: map[string]string{}}
	for s := bufio.NewScanner(strings.NewReader(head)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ": ")
		v.fields[name] = value
	}
	raw, err := hex.DecodeString(v.fields["key"])
	if err != nil {
		t.Fatal(err)
	}
	if v.key, err = crypt.KeyFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	if v.sealed, err = hex.DecodeString(strings.Join(strings.Fields(body), "")); err != nil {
		t.Fatal(err)
	}
	return v
}
