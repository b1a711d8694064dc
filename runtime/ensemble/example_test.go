package ensemble_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/png"
)

// A plan of one network predicts the images under testdata/input.
func Example() {
	plan := &ensemble.Plan{Name: "example", Classes: 7, Models: []ensemble.Model{{
		Name: "tiny", Coefficient: 1, Arch: "tiny", InputSize: 8, Classes: 7, Views: 2,
		Folds: []ensemble.Fold{{
			Name: "tiny_f0", SHA256: "01ad0d2e126a6c78e11e0871906cb6b41cbabc0791817810d9ab2da462aceb06", Size: 1468, Threshold: 0.5,
		}},
	}}}
	output := filepath.Join(os.TempDir(), "submission.csv")
	summary, err := predict.Run(context.Background(), plan, predict.Options{
		Archs: []arch.Arch{ensembletest.Tiny}, Operations: engine.Operations(), Formats: []vision.Format{png.Format}, Input: "testdata/input", Output: output,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := os.ReadFile(output)
	fmt.Printf("%d images, %d fold\n%s", summary.Images, summary.Folds, text)
	// Output:
	// 3 images, 1 fold
	// id,labels
	// a,0 1 2 3 4
	// b,0 1 3 5
	// c,0 1 2 3 4
}

var update = flag.Bool("update", false, "write the files under testdata anew")

func TestTheWeightsOfTheExampleAreCurrent(t *testing.T) {
	weights := ensembletest.WeightFile(t, ensembletest.Tiny, ensemble.Model{InputSize: 8, Classes: 7}, "tiny_f0")
	if *update {
		for name, data := range map[string][]byte{
			"tiny_f0.safetensors":   weights,
			"sample_submission.csv": []byte("id,labels\na,0 1\nb,0 1\nc,0 1\n"),
			"a.png":                 ensembletest.PNG(t, 8, 10, 1),
			"b.png":                 ensembletest.PNG(t, 12, 9, 2),
			"c.png":                 ensembletest.PNG(t, 8, 8, 3),
		} {
			if err := os.WriteFile(filepath.Join("testdata", "input", name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := os.ReadFile("testdata/input/tiny_f0.safetensors"); err != nil || !bytes.Equal(got, weights) {
		t.Errorf("not %d bytes with the SHA-256 %x (%v): run the test with -update", len(weights), sha256.Sum256(weights), err)
	}
}
