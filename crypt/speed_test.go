package crypt_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

// Decrypting a file of 2 GB, from the system's cache into new memory, beside what
// openssl does with a buffer in the processor's cache, in turns.
func TestDecryptionIsNearlyAsFastAsOpenSSL(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 to measure the speed of decryption")
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl to compare with")
	}
	const size = 2 << 30
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
	const threads = 2
	decrypt := func() float64 {
		r, err := crypt.NewReaderAt(f, info.Size(), key, "a")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		p, err := r.ReadAll(t.Context(), threads)
		took := time.Since(start)
		if err != nil || len(p) != size {
			t.Fatal(err)
		}
		p = nil
		runtime.GC()
		runtime.GC()
		return size / took.Seconds() / 1e9
	}
	decrypt()
	best, peer := 0.0, 0.0
	for range 3 {
		ours, theirs := decrypt(), opensslSpeed(t, openssl, threads)
		t.Logf("%.2f GB/s, openssl %.2f GB/s: %.2fx", ours, theirs, ours/theirs)
		best, peer = max(best, ours), max(peer, theirs)
	}
	t.Logf("best of three: %.2f GB/s, openssl %.2f GB/s: %.2fx", best, peer, best/peer)
	if best < 0.5*peer {
		t.Errorf("decryption is %.2fx as fast as openssl", best/peer)
	}
}

// writeZeros encrypts so many zeros into a file, a piece at a time.
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

// opensslSpeed returns GB/s of AES-256-GCM in so many processes.
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
