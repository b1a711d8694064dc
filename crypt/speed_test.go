package crypt_test

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"golang.org/x/sync/errgroup"
)

// This measures the decryption of a 2 GB file from the page cache into memory. It
// alternates with openssl on a buffer in the CPU's cache. The destination is memory
// that was used before, as for all models but the first of a kernel, and new memory.
// It also measures what bounds both.
func TestDecryptionIsNearlyAsFastAsOpenSSL(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 to measure the speed of decryption")
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl to compare with")
	}
	const size, threads, turns = 2 << 30, 2, 6
	key := testKey(t, 1)
	path := filepath.Join(t.TempDir(), "a.enc")
	writeZeros(t, path, key, size)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := crypt.NewReaderAt(f, info.Size(), key, "a")
	if err != nil {
		t.Fatal(err)
	}
	held := make([]byte, size)
	aead, sealed := sealedPiece(t)
	read := func() error { return r.ReadInto(t.Context(), held, threads) }
	speed := func(do func() error) float64 {
		start := time.Now()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		return size / time.Since(start).Seconds() / 1e9
	}
	speed(read)
	ours, peer := 0.0, 0.0
	for range turns {
		ours, peer = max(ours, speed(read)), max(peer, opensslSpeed(t, openssl, threads))
	}
	t.Logf("openssl %.2f GB/s, best of %d", peer, turns)
	tell := func(what string, got float64) { t.Logf("%-36s %5.2f GB/s, %.2fx", what, got, got/peer) }
	tell("into memory used before", ours)
	tell("into new memory", speed(func() error {
		_, err := r.ReadAll(t.Context(), threads)
		return err
	}))
	tell("Go's AES-GCM alone, in the cache", speed(func() error {
		return each(threads, size>>20, func(b []byte, _ int) error {
			_, err := aead.Open(b[:0], make([]byte, 12), sealed, nil)
			return err
		})
	}))
	tell("reading alone", speed(func() error {
		return each(threads, size>>20, func(b []byte, i int) error {
			_, err := f.ReadAt(b, int64(i)<<20)
			return err
		})
	}))
	if ours < 0.7*peer {
		t.Errorf("decryption is %.2fx as fast as openssl", ours/peer)
	}
}

// sealedPiece returns a MiB under AES-256-GCM with a zero nonce.
func sealedPiece(t *testing.T) (cipher.AEAD, []byte) {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead, aead.Seal(nil, make([]byte, 12), make([]byte, 1<<20-aead.Overhead()), nil)
}

// each calls do n times in the given number of goroutines, each with its own MiB.
func each(threads, n int, do func(b []byte, i int) error) error {
	var group errgroup.Group
	for w := range threads {
		group.Go(func() error {
			b := make([]byte, 1<<20)
			for i := w; i < n; i += threads {
				if err := do(b, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// writeZeros encrypts size zeros into a file.
func writeZeros(t *testing.T, path string, key crypt.Key, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := bufio.NewWriterSize(f, 1<<20)
	w, err := crypt.NewWriter(b, key, "a")
	if err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 1<<24)
	for n := 0; n < size; n += len(piece) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []func() error{w.Close, b.Flush, f.Close} {
		if err := c(); err != nil {
			t.Fatal(err)
		}
	}
}

// opensslSpeed returns the GB/s of AES-256-GCM in the given number of processes.
func opensslSpeed(t *testing.T, openssl string, threads int) float64 {
	t.Helper()
	out, err := exec.Command(openssl, "speed", "-multi", strconv.Itoa(threads), "-seconds", "2", "-evp", "aes-256-gcm", "-bytes", "1048576").Output()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(out))
	text := strings.TrimSuffix(fields[len(fields)-1], "k")
	kB, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatalf("openssl said %q", out)
	}
	return kB / 1e6
}
