package foldfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
)

func TestWrittenFoldsRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folds.npy")
	if err := foldfile.Write(path, []uint8{0, 1, 2, foldfile.Always}); err != nil {
		t.Fatal(err)
	}
	if got, err := foldfile.Read(path, 4, 3); err != nil || !slices.Equal(got, []uint8{0, 1, 2, 255}) {
		t.Errorf("read %v, %v", got, err)
	}
	for _, c := range []struct {
		rows, folds int
		want        string
	}{{5, 3, "it belongs to another table"}, {4, 2, "row 3 is in fold 2, but model.num_folds is 2"}} {
		if _, err := foldfile.Read(path, c.rows, c.folds); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// save writes a .npy file of numbers with a one-byte type.
func save(t *testing.T, descr, shape, data string) string {
	t.Helper()
	header := "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n"
	path := filepath.Join(t.TempDir(), "folds.npy")
	file := "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + data
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFoldsOfOtherTypesAreRead(t *testing.T) {
	for descr, data := range map[string]string{
		"|u1": "\x00\x02\xff", ">i2": "\x00\x00\x00\x02\x00\xff", "<i8": "\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00",
		"<f4": "\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x7f\x43",
	} {
		for _, shape := range []string{"(3,)", "(3, 1)"} {
			if got, err := foldfile.Read(save(t, descr, shape, data), 3, 3); err != nil || !slices.Equal(got, []uint8{0, 2, 255}) {
				t.Errorf("%s %s: %v, %v", descr, shape, got, err)
			}
		}
	}
	for _, c := range []struct{ descr, shape, data, want string }{
		{"|i1", "(2,)", "\x00\xff", "row 2 is in fold -1; folds are 0 to 254, and 255 is for rows that no fold holds out"},
		{"<i2", "(2,)", "\x00\x00\x00\x01", "row 2 is in fold 256"},
		{"<f2", "(2,)", "\x00\x38\x00\x00", "0.5 is not a whole number"},
		{"|u1", "(1, 2)", "\x00\x01", "an array of shape [1 2]"},
		{"<U1", "(2,)", "0\x00\x00\x001\x00\x00\x00", "texts"},
	} {
		if _, err := foldfile.Read(save(t, c.descr, c.shape, c.data), 2, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.descr, err, c.want)
		}
	}
}
