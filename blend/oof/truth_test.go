package oof_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// All folds train on pseudo-labels, and none predicts them.
func TestRowsThatNoFoldHoldsOutAreNotScored(t *testing.T) {
	dir := t.TempDir()
	labels, folds := filepath.Join(dir, "train.csv"), filepath.Join(dir, "folds.npy")
	if err := os.WriteFile(labels, []byte("id,attribute_ids\na,0\nb,1\nc,0 1\nd,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := foldfile.Write(folds, []uint8{1, 0, foldfile.Always, 1}); err != nil {
		t.Fatal(err)
	}
	truth, err := oof.ReadTruth(labels, folds, labeltable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]int{{1}, {0, 3}}; truth.Folds != 2 || !reflect.DeepEqual(truth.Rows, want) {
		t.Errorf("%d folds of rows %v, want %v", truth.Folds, truth.Rows, want)
	}
}
