package npy_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"codeberg.org/sbinet/npyio"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"gonum.org/v1/gonum/mat"
)

func Example() {
	var file bytes.Buffer
	if err := npy.WriteFloat32(&file, []int{2, 2}, []float32{1, 2, 3, 4.5}); err != nil {
		fmt.Println(err)
		return
	}
	data, shape, err := npy.ReadFloat32(&file)
	fmt.Println(data, shape, err)
	// Output: [1 2 3 4.5] [2 2] <nil>
}

// NumPy wrote this file, so writing its content must reproduce its bytes.
func TestFilesEqualThoseOfNumPy(t *testing.T) {
	want, err := golden.FS.ReadFile("testdata/arch/cifar_resnet20.logits.npy")
	if err != nil {
		t.Fatal(err)
	}
	data, shape, err := npy.ReadFloat32(iotest.OneByteReader(bytes.NewReader(want)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(shape, []int{2, 10}) || len(data) != 20 {
		t.Fatalf("shape %v, %d elements", shape, len(data))
	}
	var got bytes.Buffer
	if err := npy.WriteFloat32(&got, shape, data); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%q\nwant\n%q", got.Bytes(), want)
	}
}

func TestShapesOfEveryRankRoundTrip(t *testing.T) {
	for _, shape := range [][]int{{}, {0}, {7}, {3, 0}, {1, 1}, {2, 3, 5}, {40000}, {1, 2, 1, 2, 1, 2, 1, 2}} {
		h := npy.Header{DType: npy.Float32, Shape: shape}
		data := make([]float32, h.Len())
		for i := range data {
			data[i] = float32(i) * 0.1
		}
		var f bytes.Buffer
		if err := npy.WriteFloat32(&f, shape, data); err != nil {
			t.Fatal(err)
		}
		if start := f.Len() - 4*len(data); start%64 != 0 {
			t.Errorf("%v: the data begins at %d", shape, start)
		}
		got, gotShape, err := npy.ReadFloat32(&f)
		if err != nil || !slices.Equal(got, data) || !slices.Equal(gotShape, shape) {
			t.Errorf("%v: read %v, %v", shape, gotShape, err)
		}
		bytesData := make([]uint8, h.Len())
		for i := range bytesData {
			bytesData[i] = uint8(i)
		}
		if err := npy.WriteUint8(&f, shape, bytesData); err != nil {
			t.Fatal(err)
		}
		back, gotShape, err := npy.ReadInts(&f)
		if err != nil || !slices.EqualFunc(back, bytesData, func(a int64, b uint8) bool { return a == int64(b) }) || !slices.Equal(gotShape, shape) {
			t.Errorf("%v: read %v, %v", shape, gotShape, err)
		}
	}
}

func TestAnotherImplementationReadsWhatWeWrite(t *testing.T) {
	var f bytes.Buffer
	want := []float32{1, -2, 3e-30, 4, 5, float32(math.Inf(1))}
	if err := npy.WriteFloat32(&f, []int{6}, want); err != nil {
		t.Fatal(err)
	}
	var got []float32
	if err := npyio.Read(&f, &got); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := npy.WriteUint8(&f, []int{3}, []uint8{0, 4, 255}); err != nil {
		t.Fatal(err)
	}
	var gotBytes []uint8
	if err := npyio.Read(&f, &gotBytes); err != nil || !slices.Equal(gotBytes, []uint8{0, 4, 255}) {
		t.Errorf("got %v, %v", gotBytes, err)
	}
}

func TestWeReadWhatAnotherImplementationWrites(t *testing.T) {
	var f bytes.Buffer
	if err := npyio.Write(&f, mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 1e300})); err != nil {
		t.Fatal(err)
	}
	got, shape, err := npy.ReadFloat32(&f)
	if want := []float32{1, 2, 3, 4, 5, float32(math.Inf(1))}; err != nil || !slices.Equal(got, want) || !slices.Equal(shape, []int{2, 3}) {
		t.Errorf("got %v %v, %v", got, shape, err)
	}
	if err := npyio.Write(&f, []uint8{9, 8}); err != nil {
		t.Fatal(err)
	}
	gotInts, _, err := npy.ReadInts(&f)
	if err != nil || !slices.Equal(gotInts, []int64{9, 8}) {
		t.Errorf("got %v, %v", gotInts, err)
	}
}

func TestLargeFilesAreReadByRow(t *testing.T) {
	path := golden.Shared(t, "data/cifar10-sample/reference_logits.npy")
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	h, err := npy.ReadHeader(file)
	if err != nil || len(h.Shape) != 2 {
		t.Fatalf("%v, %v", h, err)
	}
	rows := []float32{}
	row := make([]float32, h.Shape[1])
	for range h.Shape[0] {
		if err := h.ReadFloat32s(file, row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row...)
	}
	if err := h.ReadFloat32s(file, row); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a row too many: %v", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	all, _, err := npy.ReadFloat32(file)
	if err != nil || !slices.Equal(all, rows) {
		t.Errorf("by row and at once differ (%v)", err)
	}
}

func raw(version byte, header, data string) []byte {
	b := append([]byte("\x93NUMPY"), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), data...)
}

func TestHeadersOfEverySpellingAreRead(t *testing.T) {
	for _, f := range [][]byte{
		raw(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }   \n", "\x00\x3e\x00\xbc"),
		raw(2, `{"shape":(2L,),"fortran_order":False,"descr":"<f2"}`, "\x00\x3e\x00\xbc"),
		raw(3, "{ 'shape' : ( 2 , ) , 'descr' : '<f2' , 'fortran_order' : False }\n", "\x00\x3e\x00\xbc"),
	} {
		got, shape, err := npy.ReadFloat32(bytes.NewReader(f))
		if err != nil || !slices.Equal(got, []float32{1.5, -1}) || !slices.Equal(shape, []int{2}) {
			t.Errorf("%q: %v %v %v", f, got, shape, err)
		}
	}
}

func TestBrokenFilesAreRefused(t *testing.T) {
	const head = "{'descr': '<f4', 'fortran_order': False, 'shape': "
	huge := raw(2, "", "")
	binary.LittleEndian.PutUint32(huge[8:], 1<<30)
	for want, f := range map[string][]byte{
		"not a .npy file":              []byte("id,attribute_ids\n"),
		"version 4.0 is unknown":       raw(4, "", ""),
		"1073741824 bytes, 65536":      huge,
		"unexpected EOF":               raw(1, head+"(2,), }", "1234567"),
		"more data follows the 1 ":     raw(1, head+"(1,), }", "12345"),
		"are >f4, which is big-endian": raw(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "1234"),
		`type "|O"`:                    raw(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "1234"),
		"the file is empty":            nil,
		"an archive (.npz)":            []byte("PK\x03\x0412345678"),
		"are <i8, not floating-point":  raw(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", "12345678"),
		"several fields":               raw(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"),
		`"<U3", texts`:                 raw(1, "{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", "1234"),
		`"<M8[ns]", dates`:             raw(1, "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }", "12345678"),
		`"<c8", complex numbers`:       raw(1, "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "12345678"),
		`"<f16"; only integers`:        raw(1, "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", "12345678"),
		"True or False expected":       raw(1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", "1234"),
		`unknown key "x"`:              raw(1, "{'x': 1}", ""),
		"appears twice":                raw(1, "{'descr': '<f4', 'descr': '<f4'}", ""),
		"are required":                 raw(1, "{'descr': '<f4'}", ""),
		"the end expected":             raw(1, head+"(1,), } x", "1234"),
		"a size expected":              raw(1, head+"(-1,), }", "1234"),
		`, expected at ")`:             raw(1, head+"(1), }", "1234"),
		"a shape of [4611686018427387": raw(1, head+"(4611686018427387904, 8), }", ""),
		"more than 32 dimensions":      raw(1, head+"("+strings.Repeat("1,", 33)+"), }", "1234"),
		"a string expected":            raw(1, "{descr: 1}", ""),
	} {
		if _, _, err := npy.ReadFloat32(bytes.NewReader(f)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, _, err := npy.ReadFloat32(bytes.NewReader(raw(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "1"))); err == nil {
		t.Error("bytes were read as numbers")
	}
}

// A header may promise a terabyte; only data in the file may take memory.
func TestAHeaderCannotAskForMemory(t *testing.T) {
	f := raw(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", strings.Repeat("x", 1<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := npy.ReadFloat32(bytes.NewReader(f)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if allocated > 16<<20 {
		t.Errorf("%d bytes for a file of %d", allocated, len(f))
	}
}

func TestMismatchedShapesAreNotWritten(t *testing.T) {
	for _, shape := range [][]int{{3}, {-1, -2}, {1 << 40, 1 << 40}, make([]int, 40)} {
		var f bytes.Buffer
		if err := npy.WriteFloat32(&f, shape, make([]float32, 2)); err == nil || f.Len() > 0 {
			t.Errorf("%v: %v, %d bytes", shape, err, f.Len())
		}
	}
}

func FuzzRead(f *testing.F) {
	golden, err := golden.FS.ReadFile("testdata/arch/cifar_resnet20.logits.npy")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(raw(2, `{"shape":(2L,),"fortran_order":False,"descr":"<f2"}`, "\x00\x3e\x00\xbc"))
	f.Add(raw(3, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", "12345678"))
	f.Add(raw(1, "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 2), }\n", "12345678"))
	f.Fuzz(func(t *testing.T, b []byte) {
		data, shape, err := npy.ReadFloat32(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := npy.WriteFloat32(&again, shape, data); err != nil {
			t.Fatal(err)
		}
		data2, shape2, err := npy.ReadFloat32(&again)
		same := slices.EqualFunc(data, data2, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b })
		if err != nil || !same || !slices.Equal(shape, shape2) {
			t.Fatalf("%v %v became %v %v (%v)", shape, data, shape2, data2, err)
		}
	})
}

func TestAnOpenFileIsReadAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	var b bytes.Buffer
	if err := npy.WriteFloat32(&b, []int{3, 2}, []float32{1, 2, 3, 4, 5, 6}); err != nil {
		t.Fatal(err)
	}
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(b.Bytes())
	f, err := npy.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Size != int64(b.Len()) || !slices.Equal(f.Shape, []int{3, 2}) {
		t.Errorf("%d bytes of shape %v", f.Size, f.Shape)
	}
	for first := range 6 {
		dst := make([]float32, 6-first)
		if err := f.ReadAt(dst, first); err != nil || dst[0] != float32(first+1) || dst[len(dst)-1] != 6 {
			t.Errorf("from element %d on: %v, %v", first, dst, err)
		}
	}
	if err := f.ReadAt(make([]float32, 2), 5); err == nil || err.Error() != path+": reading npy: unexpected EOF" {
		t.Errorf("error %v", err)
	}
	for want, data := range map[string][]byte{
		": reading npy: unexpected EOF":                   b.Bytes()[:b.Len()-1],
		": reading npy: more data follows the 6 elements": append(slices.Clone(b.Bytes()), 0),
		": reading npy header: not a .npy file":           []byte("id,attribute_ids\n"),
	} {
		write(data)
		if _, err := npy.Open(path); err == nil || err.Error() != path+want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
