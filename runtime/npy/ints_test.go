package npy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

func header(descr, order, shape string) string {
	return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n"
}

// The files equal those that NumPy writes for np.array([0, 1, 4], dtype=…).
func TestWholeNumbersOfEveryTypeAreRead(t *testing.T) {
	for descr, data := range map[string]string{
		"|u1": "\x00\x01\x04", "|i1": "\x00\x01\x04",
		"<u2": "\x00\x00\x01\x00\x04\x00", ">u2": "\x00\x00\x00\x01\x00\x04", "<i2": "\x00\x00\x01\x00\x04\x00", ">i2": "\x00\x00\x00\x01\x00\x04",
		"<u4": "\x00\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00", ">u4": "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04",
		"<i4": "\x00\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00", ">i4": "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04",
		"<u8": "\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00", "<i8": "\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00",
		">u8": "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04", ">i8": "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04",
		"<f2": "\x00\x00\x00\x3c\x00\x44", ">f2": "\x00\x00\x3c\x00\x44\x00",
		"<f4": "\x00\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x80\x40", ">f4": "\x00\x00\x00\x00\x3f\x80\x00\x00\x40\x80\x00\x00",
		"<f8": "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x10\x40", ">f8": "\x00\x00\x00\x00\x00\x00\x00\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x40\x10\x00\x00\x00\x00\x00\x00",
	} {
		for version := byte(1); version <= 3; version++ {
			got, shape, err := npy.ReadInts(bytes.NewReader(raw(version, header(descr, "False", "(3,)"), data)))
			if err != nil || !slices.Equal(got, []int64{0, 1, 4}) || !slices.Equal(shape, []int{3}) {
				t.Errorf("%s, version %d: %v %v, %v", descr, version, got, shape, err)
			}
		}
	}
	got, _, err := npy.ReadInts(bytes.NewReader(raw(1, header("|b1", "False", "(3,)"), "\x00\x01\x02")))
	if err != nil || !slices.Equal(got, []int64{0, 1, 1}) {
		t.Errorf("booleans: %v, %v", got, err)
	}
	got, _, err = npy.ReadInts(bytes.NewReader(raw(1, header("|i1", "False", "(1,)"), "\xff")))
	if err != nil || !slices.Equal(got, []int64{-1}) {
		t.Errorf("below 0: %v, %v", got, err)
	}
}

func TestNumbersThatAreNotWholeAreRefused(t *testing.T) {
	for want, file := range map[string][]byte{
		"0.5 is not a whole number":         raw(1, header("<f4", "False", "(1,)"), "\x00\x00\x00\x3f"),
		"NaN or infinity is not":            raw(1, header("<f4", "False", "(1,)"), "\x00\x00\xc0\x7f"),
		"npy: NaN or infinity is not":       raw(1, header("<f4", "False", "(1,)"), "\x00\x00\x80\xff"),
		"a number beyond 2^53 is too large": raw(1, header("<f8", "False", "(1,)"), "\x00\x00\x00\x00\x00\x00\x50\x43"),
		"18446744073709551615 is too large": raw(1, header("<u8", "False", "(1,)"), strings.Repeat("\xff", 8)),
		"unexpected EOF":                    raw(1, header("<i8", "False", "(2,)"), "12345678"),
	} {
		if _, _, err := npy.ReadInts(bytes.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// np.save writes a transpose, or the values of a DataFrame, column by column.
func TestFortranOrderIsRead(t *testing.T) {
	// [[0, 1, 2], [3, 4, 5]]
	ints := raw(1, header("|u1", "True", "(2, 3)"), "\x00\x03\x01\x04\x02\x05")
	got, shape, err := npy.ReadInts(bytes.NewReader(ints))
	if err != nil || !slices.Equal(got, []int64{0, 1, 2, 3, 4, 5}) || !slices.Equal(shape, []int{2, 3}) {
		t.Errorf("integers: %v %v, %v", got, shape, err)
	}
	// np.arange(12).reshape(2, 3, 2)
	got, _, err = npy.ReadInts(bytes.NewReader(raw(1, header("|u1", "True", "(2, 3, 2)"), "\x00\x06\x02\x08\x04\x0a\x01\x07\x03\x09\x05\x0b")))
	if err != nil || !slices.Equal(got, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) {
		t.Errorf("three dimensions: %v, %v", got, err)
	}
	for _, file := range [][]byte{
		raw(1, header("<f2", "True", "(0, 3)"), ""),
		raw(1, header("<f2", "True", "(3,)"), "\x00\x00\x00\x3c\x00\x40"),
	} {
		if _, _, err := npy.ReadFloat32(bytes.NewReader(file)); err != nil {
			t.Error(err)
		}
	}
	floats := raw(2, header("<f2", "True", "(2, 3)"), "\x00\x00\x00\x42\x00\x3c\x00\x44\x00\x40\x00\x45")
	want := []float32{0, 1, 2, 3, 4, 5}
	all, _, err := npy.ReadFloat32(bytes.NewReader(floats))
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("at once: %v, %v", all, err)
	}
	path := filepath.Join(t.TempDir(), "f.npy")
	if err := os.WriteFile(path, floats, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := npy.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for first := range want {
		for end := first; end <= len(want); end++ {
			got := make([]float32, end-first)
			if err := f.ReadAt(got, first); err != nil || !slices.Equal(got, want[first:end]) {
				t.Errorf("elements %d to %d: %v, %v", first, end, got, err)
			}
		}
	}
	if err := f.ReadAt(make([]float32, 2), 5); err == nil {
		t.Error("an element behind the end was read")
	}
}
