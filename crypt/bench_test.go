package crypt_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

const benchSize = 256 << 20

func BenchmarkWriter(b *testing.B) {
	plain := make([]byte, benchSize)
	key := testKey(b, 1)
	b.SetBytes(benchSize)
	for b.Loop() {
		w, err := crypt.NewWriter(io.Discard, key, "a")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchFile returns an encrypted file in the page cache.
func benchFile(b *testing.B) (*os.File, crypt.Key, int64) {
	b.Helper()
	key := testKey(b, 1)
	path := filepath.Join(b.TempDir(), "a.enc")
	sealed := encrypt(b, key, "a", make([]byte, benchSize))
	if err := os.WriteFile(path, sealed, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f, key, int64(len(sealed))
}

func BenchmarkReadAll(b *testing.B) {
	f, key, size := benchFile(b)
	b.SetBytes(benchSize)
	for b.Loop() {
		r, err := crypt.NewReaderAt(f, size, key, "a")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadAll(b.Context(), 0); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
	}
}

func BenchmarkWriteTo(b *testing.B) {
	f, key, size := benchFile(b)
	b.SetBytes(benchSize)
	for b.Loop() {
		r, err := crypt.NewReaderAt(f, size, key, "a")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSmallReads(b *testing.B) {
	f, key, size := benchFile(b)
	r, err := crypt.NewReaderAt(f, size, key, "a")
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 4096)
	b.SetBytes(int64(len(buf)))
	var off int64
	for b.Loop() {
		if _, err := r.ReadAt(buf, off); err != nil {
			b.Fatal(err)
		}
		off = (off + int64(len(buf))) % (benchSize - int64(len(buf)))
	}
}
