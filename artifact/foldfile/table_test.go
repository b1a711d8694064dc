package foldfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
)

func TestTablesOfFolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folds.csv")
	ids := []string{"a", "b", "7"}
	for text, want := range map[string]string{
		"id,fold\nb,1\na,0\n7,255\n":                 "",
		"image,kfold,label\n7,255,x\nb,1,y\na,0,z\n": "",
		"which,id\n0,a\n1,b\n":                       `folds.csv:2: the fold "a" is not a whole number`,
		"id,x\na,0\nb,1\nc,9\n7,255\n":               "",
		"id,fold\na,0\nb,1\n":                        `folds.csv: there is no fold of "7"`,
		"id,fold\na,0\na,1\n":                        `folds.csv:3: the id "a" is there already, on line 2`,
		"id,fold\na,0.5\n":                           `folds.csv:2: the fold "0.5" is not a whole number`,
		"id,fold\na,2\n":                             `folds.csv:2: "a" is in fold 2, but model.num_folds is 2`,
		"id,fold\na,-1\n":                            `folds.csv:2: "a" is in fold -1; folds are 0 to 254`,
		"id,fold\nx,0\n":                             "folds.csv:2: none of x, 0 is an id of the table",
		"id,a,b\n":                                   "folds.csv:1: no column is called fold; there are id, a, b",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := foldfile.ForTable(path, ids, 2)
		if want == "" && (err != nil || !slices.Equal(got, []uint8{0, 1, foldfile.Always})) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	array := filepath.Join(t.TempDir(), "folds.npy")
	if err := foldfile.Write(array, []uint8{1, 0, 1}); err != nil {
		t.Fatal(err)
	}
	if got, err := foldfile.ForTable(array, ids, 2); err != nil || !slices.Equal(got, []uint8{1, 0, 1}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := foldfile.ForTable(filepath.Join(t.TempDir(), "none.csv"), ids, 2); err == nil {
		t.Error("a missing file has folds")
	}
}

// Whatever the table, every row has a fold that model.num_folds admits.
func FuzzForTable(f *testing.F) {
	f.Add("id,fold\na,0\nb,1\n")
	f.Add("image,kfold,label\nb,255,x\na,1,y\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "folds.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := foldfile.ForTable(path, []string{"a", "b"}, 3)
		if err != nil {
			return
		}
		for _, fold := range got {
			if len(got) != 2 || fold >= 3 && fold != foldfile.Always {
				t.Fatalf("%q has the folds %v", text, got)
			}
		}
	})
}
