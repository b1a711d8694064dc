package oofgen_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/oofgen"
)

func Example() {
	dir, err := os.MkdirTemp("", "oofgen")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	files, err := oofgen.Generate(context.Background(), dir, oofgen.RandomTruth(60, 8, 3, 1), oofgen.Options{Models: 2, Seed: 1})
	fmt.Println(len(files), err)
	// Output: 2 <nil>
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	var data [3]string
	for i, seed := range []uint64{3, 3, 4} {
		dir := t.TempDir()
		if _, err := oofgen.Generate(context.Background(), dir, oofgen.RandomTruth(41, 8, 2, 1), oofgen.Options{Models: 3, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 2+2*3*2 {
			t.Errorf("files %v (%v)", files, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			data[i] += filepath.Base(f) + string(b)
		}
	}
	if data[0] != data[1] || data[0] == data[2] {
		t.Error("equal seeds give other bytes, or another seed gives the same")
	}
}
