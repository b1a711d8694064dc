package crypt_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

// FuzzReader reads arbitrary bytes as an encrypted file. If a reader accepts them, a
// writer must have made them from the plaintext that it returns: nobody else has the
// key.
func FuzzReader(f *testing.F) {
	key := testKey(f, 1)
	for _, n := range []int{0, 1, 100, firstPlain, firstPlain + 1} {
		sealed := encrypt(f, key, "a", pattern(n))
		f.Add(sealed, int64(0), 10)
		f.Add(sealed[:len(sealed)-1], int64(5), 100)
	}
	f.Fuzz(func(t *testing.T, sealed []byte, off int64, n int) {
		info, inspectErr := crypt.Inspect(bytes.NewReader(sealed), int64(len(sealed)))
		r, err := crypt.NewReaderAt(bytes.NewReader(sealed), int64(len(sealed)), key, "a")
		if err != nil {
			return
		}
		if inspectErr != nil || info.Plain != r.Size() {
			t.Fatalf("opened, but Inspect says %+v, %v", info, inspectErr)
		}
		all, err := r.ReadAll(t.Context(), 2)
		var b bytes.Buffer
		if _, err2 := r.WriteTo(&b); (err == nil) != (err2 == nil) {
			t.Fatalf("ReadAll says %v, WriteTo %v", err, err2)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(all, b.Bytes()) || int64(len(all)) != r.Size() {
			t.Fatalf("ReadAll gave %d bytes, WriteTo %d, Size is %d", len(all), b.Len(), r.Size())
		}
		if again := sealUnder(t, sealed[:headerSize], key, "a", all); !bytes.Equal(again, sealed) {
			t.Fatal("what was read, encrypted again, gives other bytes")
		}
		part := make([]byte, min(max(n, 0), 3*segmentSize))
		m, err := r.ReadAt(part, off)
		switch {
		case off < 0:
			if err == nil || m != 0 {
				t.Fatalf("ReadAt(%d) = %d, %v", off, m, err)
			}
		case m < len(part) && err != io.EOF, m > 0 && !bytes.Equal(part[:m], all[off:off+int64(m)]):
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", len(part), off, m, err)
		}
	})
}

// FuzzParseKey parses arbitrary text as a key. A text that is accepted must be the
// text of the key.
func FuzzParseKey(f *testing.F) {
	f.Add(testKey(f, 1).Text())
	f.Add(" " + testKey(f, 2).Text() + "\n")
	f.Add("deploy-kernel-key-1:")
	f.Add("deploy-kernel-wrapped-key-1:argon2id:t=1,m=8,p=1:AA:AA")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := crypt.ParseKey(text)
		if err != nil {
			if !key.IsZero() {
				t.Fatal("an error and a key")
			}
			return
		}
		if got := string(bytes.TrimSpace([]byte(text))); got != key.Text() {
			t.Fatalf("the key of %q has the text %q", text, key.Text())
		}
	})
}

// FuzzTamper changes a file of four segments as ops says, three bytes per operation:
// flip a bit, cut, append, or copy a segment over another. The result must be refused
// or unchanged.
func FuzzTamper(f *testing.F) {
	key := testKey(f, 1)
	plain := pattern(firstPlain + 2*fullPlain + 5000)
	sealed := encrypt(f, key, "a", plain)
	f.Add([]byte{})
	f.Add([]byte{0, 3, 200, 0, 3, 200}) // twice the same bit: as it was
	f.Add([]byte{1, 0, 1})
	f.Add([]byte{2, 5, 0, 1, 0, 5}) // 5 bytes more, 5 bytes less
	f.Add([]byte{3, 1, 2, 3, 2, 1})
	f.Add([]byte{3, 0, 1, 4, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		changed := bytes.Clone(sealed)
		for ; len(ops) >= 3 && len(changed) > 0; ops = ops[3:] {
			a, b := int(ops[1]), int(ops[2])
			switch ops[0] % 5 {
			case 0:
				at := (a*len(sealed)/256 + b) % len(changed)
				changed[at] ^= 1 << (b % 8)
			case 1:
				changed = changed[:max(0, len(changed)-a*segmentSize/64-b)]
			case 2:
				changed = append(changed, pattern(a+b)...)
			case 3:
				from, to := a%4*segmentSize, b%4*segmentSize
				if from < len(changed) && to < len(changed) {
					copy(changed[to:], changed[from:min(from+segmentSize, len(changed))])
				}
			case 4:
				changed = append(changed, sealed[a%4*segmentSize:]...)
			}
			if len(changed) > 16*segmentSize {
				return
			}
		}
		got, err := decrypt(changed, key, "a")
		if err == nil && !(bytes.Equal(changed, sealed) && bytes.Equal(got, plain)) {
			t.Fatalf("a changed file of %d bytes was read", len(changed))
		}
	})
}
