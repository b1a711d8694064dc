package vision_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/png"
)

// The example decodes an image file and computes the input of a network that reads
// 224x224 pixels, normalized to the range from -1 to 1.
func Example() {
	path := filepath.Join("testdata", "resize", "noise.png")
	decoder := vision.Decoder{Formats: []vision.Format{png.Format}}
	img, err := decoder.DecodeFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	half := [3]float32{0.5, 0.5, 0.5}
	p := vision.Preprocess{Size: 224, Mean: half, Std: half}
	p.Policy, p.Side, p.Interpolation = vision.ShorterSide, 256, vision.Bilinear
	input := make([]float32, p.Size*p.Size*3)
	p.View(img, 0, input, nil)
	fmt.Printf("%dx%d pixels became %d values\n", img.W, img.H, len(input))
	// Output: 91x57 pixels became 150528 values
}
