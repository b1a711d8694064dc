package crypt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

func open(t testing.TB, sealed []byte, key crypt.Key, name string) *crypt.ReaderAt {
	t.Helper()
	r, err := crypt.NewReaderAt(bytes.NewReader(sealed), int64(len(sealed)), key, name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryWayOfReadingReturnsThePlaintext(t *testing.T) {
	key := testKey(t, 1)
	for _, n := range edgeSizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			plain := pattern(n)
			sealed := encrypt(t, key, "a", plain)
			r := open(t, sealed, key, "a")
			if r.Size() != int64(n) {
				t.Fatalf("Size = %d", r.Size())
			}
			info, err := crypt.Inspect(bytes.NewReader(sealed), int64(len(sealed)))
			if err != nil || info.Plain != int64(n) || info.Segments != int64(len(sealed)+segmentSize-1)/segmentSize {
				t.Errorf("Inspect = %+v, %v", info, err)
			}
			for _, threads := range []int{0, 1, 2, 5} {
				got, err := r.ReadAll(t.Context(), threads)
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("ReadAll with %d threads: %d bytes, %v", threads, len(got), err)
				}
			}
			var b bytes.Buffer
			if m, err := r.WriteTo(&b); err != nil || m != int64(n) || !bytes.Equal(b.Bytes(), plain) {
				t.Errorf("WriteTo: %d bytes, %v", m, err)
			}
		})
	}
}

func TestReaderAtFollowsTheContractOfReaders(t *testing.T) {
	key := testKey(t, 1)
	for _, n := range []int{0, 1, 1000, firstPlain, firstPlain + 1} {
		plain := pattern(n)
		r := open(t, encrypt(t, key, "a", plain), key, "a")
		// TestReader reads, seeks and reads at.
		if err := iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), plain); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	r := open(t, encrypt(t, key, "a", pattern(10)), key, "a")
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("a negative offset: %v", err)
	}
	if n, err := r.ReadAt(make([]byte, 11), 0); n != 10 || err != io.EOF {
		t.Errorf("reading over the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(make([]byte, 1), 1<<62); n != 0 || err != io.EOF {
		t.Errorf("reading far beyond the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(nil, 10); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
}

func TestConcurrentReads(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(firstPlain + 3*fullPlain + 777)
	r := open(t, encrypt(t, key, "a", plain), key, "a")
	var group sync.WaitGroup
	for g := range uint64(8) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(g, 0))
			for range 40 {
				off := random.IntN(len(plain))
				size := random.IntN(3000)
				if random.IntN(4) == 0 {
					size = random.IntN(3 * segmentSize)
				}
				size = min(size, len(plain)-off)
				got := make([]byte, size+3) // the spare bytes must stay as they are
				n, err := r.ReadAt(got[:size:size], int64(off))
				if n != size || err != nil || !bytes.Equal(got[:size], plain[off:off+size]) || !bytes.Equal(got[size:], []byte{0, 0, 0}) {
					t.Errorf("ReadAt(%d bytes, %d) = %d, %v", size, off, n, err)
				}
			}
		})
	}
	for range 3 {
		group.Go(func() {
			if got, err := r.ReadAll(context.Background(), 3); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("ReadAll: %d bytes, %v", len(got), err)
			}
			if _, err := r.WriteTo(io.Discard); err != nil {
				t.Errorf("WriteTo: %v", err)
			}
		})
	}
	group.Wait()
}

func TestAFailedReadDoesNotAffectLaterOnes(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(3 * segmentSize)
	sealed := encrypt(t, key, "a", plain)
	sealed[segmentSize+100] ^= 1
	r := open(t, sealed, key, "a")
	got := make([]byte, 100)
	for range 2 {
		if _, err := r.ReadAt(got, 10); err != nil || !bytes.Equal(got, plain[10:110]) {
			t.Errorf("the first segment: %v", err)
		}
		if _, err := r.ReadAt(got, segmentSize); !errors.Is(err, crypt.ErrAuth) {
			t.Errorf("the second segment: %v, want ErrAuth", err)
		}
		if _, err := r.ReadAt(got, 2*segmentSize); err != nil || !bytes.Equal(got, plain[2*segmentSize:][:100]) {
			t.Errorf("the third segment: %v", err)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	key := testKey(t, 1)
	r := open(t, encrypt(t, key, "a", pattern(5*segmentSize)), key, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.ReadAll(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadAll: %v", err)
	}
}

func TestReadIntoFillsTheGivenMemory(t *testing.T) {
	key := testKey(t, 1)
	held := bytes.Repeat([]byte{7}, 4*segmentSize)
	for _, n := range []int{3*segmentSize + 5, 10, 0} {
		plain := pattern(n)
		r := open(t, encrypt(t, key, "a", plain), key, "a")
		if err := r.ReadInto(t.Context(), held[:n], 2); err != nil || !bytes.Equal(held[:n], plain) {
			t.Errorf("ReadInto of %d bytes: %v", n, err)
		}
		if n > 10 && held[n] != 7 {
			t.Errorf("ReadInto of %d bytes wrote more", n)
		}
		if err := r.ReadInto(t.Context(), held[:n+1], 2); err == nil {
			t.Errorf("ReadInto of %d bytes filled %d", n, n+1)
		}
	}
}

func TestWritingStopsAtTheWritersError(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(6 * segmentSize)
	r := open(t, encrypt(t, key, "a", plain), key, "a")
	full := errors.New("no space")
	for _, room := range []int{0, 100, 3 * segmentSize} {
		w := &small{room: room, err: full}
		n, err := r.WriteTo(w)
		if !errors.Is(err, full) || n != int64(room) {
			t.Errorf("WriteTo with room for %d: %d, %v", room, n, err)
		}
		enc, err := crypt.NewWriter(&small{room: room, err: full}, key, "a")
		if room < headerSize {
			if !errors.Is(err, full) {
				t.Errorf("NewWriter with room for %d: %v", room, err)
			}
			continue
		}
		_, err1 := enc.Write(plain)
		err2 := enc.Close()
		if !errors.Is(err1, full) || !errors.Is(err2, full) {
			t.Errorf("Writer with room for %d: %v, %v", room, err1, err2)
		}
	}
}

// small is a writer with room for some bytes.
type small struct {
	room int
	err  error
}

func (s *small) Write(p []byte) (int, error) {
	n := min(len(p), s.room)
	s.room -= n
	if n < len(p) {
		return n, s.err
	}
	return n, nil
}

func TestWritesOfAnySizeGiveOneFile(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(2*segmentSize + 12345)
	for _, chunk := range []int{1 << 10, 65537, fullPlain, firstPlain, len(plain)} {
		var b bytes.Buffer
		w, err := crypt.NewWriter(&b, key, "a")
		if err != nil {
			t.Fatal(err)
		}
		for p := plain; len(p) > 0; {
			n, err := w.Write(p[:min(chunk, len(p))])
			if err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte{1}); err == nil {
			t.Error("Write after Close succeeded")
		}
		if got, err := decrypt(b.Bytes(), key, "a"); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("writes of %d: %d bytes, %v", chunk, len(got), err)
		}
	}
}

func TestTwoFilesOfOnePlaintextDiffer(t *testing.T) {
	key, plain := testKey(t, 1), make([]byte, 1000)
	a, b := encrypt(t, key, "a", plain), encrypt(t, key, "a", plain)
	if bytes.Equal(a[1:33], b[1:33]) || bytes.Equal(a[33:40], b[33:40]) || bytes.Equal(a[40:], b[40:]) {
		t.Error("salt, nonce prefix or ciphertext came twice")
	}
}

func TestNoKeyAndNoNameAreRefused(t *testing.T) {
	sealed := encrypt(t, testKey(t, 1), "a", nil)
	for _, c := range []struct {
		key  crypt.Key
		name string
	}{{crypt.Key{}, "a"}, {testKey(t, 1), ""}} {
		if _, err := crypt.NewWriter(io.Discard, c.key, c.name); err == nil {
			t.Error("NewWriter took it")
		}
		if _, err := crypt.NewReaderAt(bytes.NewReader(sealed), int64(len(sealed)), c.key, c.name); err == nil || errors.Is(err, crypt.ErrAuth) {
			t.Errorf("NewReaderAt: %v", err)
		}
	}
}

func TestNamesComeFromPaths(t *testing.T) {
	for path, want := range map[string]string{
		"m.safetensors.enc":       "m.safetensors",
		"/a/b.enc/m.safetensors":  "m.safetensors",
		"../x/m.enc":              "m",
		"m.enc.enc":               "m.enc",
		"a/2b_f0_0.59.weights.en": "2b_f0_0.59.weights.en",
	} {
		if got := crypt.Name(path); got != want {
			t.Errorf("Name(%q) = %q, want %q", path, got, want)
		}
	}
}
