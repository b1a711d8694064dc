package foldfile_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/foldfile"
)

func TestWhatIsWrittenIsReadAndFits(t *testing.T) {
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
