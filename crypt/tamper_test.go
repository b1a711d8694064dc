package crypt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

// refuse fails unless every way of reading the whole file returns ErrAuth, and none
// returns other plaintext than whole segments.
func refuse(t *testing.T, what string, sealed []byte, key crypt.Key, name string, plain []byte) {
	t.Helper()
	r, err := crypt.NewReaderAt(bytes.NewReader(sealed), int64(len(sealed)), key, name)
	if err != nil {
		if !errors.Is(err, crypt.ErrAuth) {
			t.Errorf("%s: opening: %v, want ErrAuth", what, err)
		}
		return
	}
	if _, err := r.ReadAll(t.Context(), 2); !errors.Is(err, crypt.ErrAuth) {
		t.Errorf("%s: ReadAll: %v, want ErrAuth", what, err)
	}
	var b bytes.Buffer
	if _, err := r.WriteTo(&b); !errors.Is(err, crypt.ErrAuth) {
		t.Errorf("%s: WriteTo: %v, want ErrAuth", what, err)
	}
	if !bytes.HasPrefix(plain, b.Bytes()) {
		t.Errorf("%s: WriteTo gave out bytes that were never encrypted", what)
	}
	got := make([]byte, r.Size())
	n, err := r.ReadAt(got, 0)
	if !errors.Is(err, crypt.ErrAuth) || !bytes.HasPrefix(plain, got[:n]) {
		t.Errorf("%s: ReadAt: %d bytes, %v, want ErrAuth", what, n, err)
	}
}

func TestEveryFlippedBitOfASmallFileIsRefused(t *testing.T) {
	key := testKey(t, 1)
	for _, n := range []int{0, 1, 100} {
		plain := pattern(n)
		sealed := encrypt(t, key, "a", plain)
		for bit := range len(sealed) * 8 {
			sealed[bit/8] ^= 1 << (bit % 8)
			refuse(t, fmt.Sprintf("bit %d of %d bytes", bit, n), sealed, key, "a", plain)
			sealed[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestEveryOtherLengthIsRefused(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(200)
	sealed := encrypt(t, key, "a", plain)
	for n := range sealed {
		refuse(t, fmt.Sprintf("cut to %d", n), sealed[:n], key, "a", plain)
	}
	for n := 1; n < 200; n++ {
		longer := append(slices.Clip(sealed), pattern(n)...)
		refuse(t, fmt.Sprintf("%d bytes added", n), longer, key, "a", plain)
	}
}

func TestMovedOrChangedSegmentsAreRefused(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(firstPlain + 2*fullPlain + 5000) // segments 0 1 2 3, the last one short
	sealed := encrypt(t, key, "a", plain)
	segment := func(i int) []byte { return sealed[i*segmentSize : min((i+1)*segmentSize, len(sealed))] }
	header := sealed[:headerSize]
	other := encrypt(t, key, "a", plain) // the same plaintext under another salt
	foreign := append([]byte(nil), sealed...)
	copy(foreign[segmentSize:2*segmentSize], other[segmentSize:])

	flip := func(i int) []byte {
		c := bytes.Clone(sealed)
		c[i] ^= 0x10
		return c
	}
	for what, changed := range map[string][]byte{
		"two segments swapped":             bytes.Join([][]byte{segment(0), segment(2), segment(1), segment(3)}, nil),
		"a segment left out":               bytes.Join([][]byte{segment(0), segment(2), segment(3)}, nil),
		"a segment doubled":                bytes.Join([][]byte{segment(0), segment(1), segment(1), segment(2), segment(3)}, nil),
		"the last segment left out":        bytes.Join([][]byte{segment(0), segment(1), segment(2)}, nil),
		"only the first segment":           segment(0),
		"only header and last segment":     bytes.Join([][]byte{header, segment(3)}, nil),
		"a segment of another file":        foreign,
		"the header of another file":       bytes.Join([][]byte{other[:headerSize], sealed[headerSize:]}, nil),
		"the last segment cut by one":      sealed[:len(sealed)-1],
		"the last segment cut to its tag":  sealed[:3*segmentSize+tagSize],
		"the last segment cut into a tag":  sealed[:3*segmentSize+tagSize-1],
		"cut just after a segment's start": sealed[:2*segmentSize+1],
		"a trailing byte":                  append(bytes.Clone(sealed), 0),
		"trailing zeros to a full segment": append(bytes.Clone(sealed), make([]byte, 4*segmentSize-len(sealed))...),
		"itself appended":                  append(bytes.Clone(sealed), sealed...),
		"a bit in the first segment":       flip(headerSize + 1),
		"a bit in the first tag":           flip(segmentSize - 1),
		"a bit in a middle segment":        flip(segmentSize + 1000),
		"a bit in the last segment":        flip(3*segmentSize + 7),
		"a bit in the salt":                flip(5),
		"a bit in the nonce prefix":        flip(38),
	} {
		refuse(t, what, changed, key, "a", plain)
	}
}

func TestWrongKeysAndNamesAreRefused(t *testing.T) {
	plain := pattern(1000)
	sealed := encrypt(t, testKey(t, 1), "2b_f0.safetensors", plain)
	refuse(t, "another key", sealed, testKey(t, 2), "2b_f0.safetensors", plain)
	for _, name := range []string{"2b_f1.safetensors", "2b_f0.safetensors.enc", "2b_f0", "x/2b_f0.safetensors", "2B_f0.safetensors"} {
		refuse(t, "named "+name, sealed, testKey(t, 1), name, plain)
	}
}

func TestErrAuthDoesNotRevealTheReason(t *testing.T) {
	key := testKey(t, 1)
	sealed := encrypt(t, key, "a", pattern(100))
	flipped := bytes.Clone(sealed)
	flipped[60] ^= 1
	_, err1 := decrypt(flipped, key, "a")
	_, err2 := decrypt(sealed, testKey(t, 2), "a")
	_, err3 := decrypt(sealed, key, "b")
	_, err4 := decrypt(sealed[:80], key, "a")
	_, err5 := decrypt(nil, key, "a")
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != crypt.ErrAuth { // the very value, not wrapped
			t.Errorf("got %v, want ErrAuth itself", err)
		}
	}
}

func TestAnUnfinishedFileIsRefused(t *testing.T) {
	key := testKey(t, 1)
	plain := pattern(3 * segmentSize)
	var b bytes.Buffer
	w, err := crypt.NewWriter(&b, key, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	refuse(t, "no Close", b.Bytes(), key, "a", plain) // for instance, the process was killed
}

func TestEmptyLastSegmentsAreRefused(t *testing.T) {
	// Tink would take a full last segment followed by an empty one, though it
	// writes none: one plaintext has one form here. The size alone tells.
	for _, size := range []int64{0, 1, headerSize, headerSize + tagSize - 1, segmentSize + 1, segmentSize + tagSize, 7*segmentSize + tagSize} {
		if _, err := crypt.Inspect(zeros{}, size); !errors.Is(err, crypt.ErrFormat) {
			t.Errorf("Inspect of %d bytes: %v, want ErrFormat", size, err)
		}
		if _, err := crypt.NewReaderAt(zeros{}, size, testKey(t, 1), "a"); !errors.Is(err, crypt.ErrAuth) {
			t.Errorf("NewReaderAt of %d bytes: %v, want ErrAuth", size, err)
		}
	}
}

// zeros is an endless file of zeros.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

func TestAHugeSparseFileTakesNoMemory(t *testing.T) {
	// A sparse file may claim any size: nothing is allocated by it before the
	// last segment was authenticated.
	for _, size := range []int64{1 << 40, 1<<52 - 1, 1 << 52, 1<<52 + 1, 1<<63 - 1} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := crypt.NewReaderAt(zeros{}, size, testKey(t, 1), "a"); !errors.Is(err, crypt.ErrAuth) {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 4<<20 {
			t.Errorf("refusing %d bytes allocated %d", size, allocated)
		}
	}
}

func TestErrorsOfTheSourceAreNotErrAuth(t *testing.T) {
	key := testKey(t, 1)
	sealed := encrypt(t, key, "a", pattern(3*segmentSize))
	bad := errors.New("the disk is on fire")
	r, err := crypt.NewReaderAt(&failing{sealed, segmentSize, bad}, int64(len(sealed)), key, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadAll(t.Context(), 2); !errors.Is(err, bad) {
		t.Errorf("ReadAll: %v", err)
	}
	if _, err := r.WriteTo(io.Discard); !errors.Is(err, bad) {
		t.Errorf("WriteTo: %v", err)
	}
	if _, err := r.ReadAt(make([]byte, 10), segmentSize+10); !errors.Is(err, bad) {
		t.Errorf("ReadAt: %v", err)
	}
	// A file that became shorter while it was read.
	if _, err := crypt.NewReaderAt(bytes.NewReader(sealed[:1000]), int64(len(sealed)), key, "a"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a shrunken file: %v", err)
	}
}

// failing is a file one segment of which can't be read.
type failing struct {
	data []byte
	at   int64
	err  error
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if off == f.at {
		return 0, f.err
	}
	return bytes.NewReader(f.data).ReadAt(p, off)
}
