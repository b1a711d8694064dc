package vision_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// policyCase holds a library's output for synthetic images, written by
// dev/imagediff/oracle.py.
type policyCase struct {
	Library               string
	Size, Side            int
	Policy, Interpolation string
	Pad                   [3]uint8
	Hashes                map[string]string // size, "WxH", to the start of the pixels' SHA-256
	Arrays                map[string]string // size to a file of levels
	Tolerance             float64           // of the arrays, in levels
}

func policyCases(t *testing.T) []policyCase {
	t.Helper()
	text, err := os.ReadFile("testdata/policies/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []policyCase }
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return file.Cases
}

// preprocess keeps levels as they are: value*255 is the level.
func (c policyCase) preprocess(t *testing.T) vision.Preprocess {
	t.Helper()
	policy, ok := vision.ParsePolicy(c.Policy)
	f, known := vision.ParseInterpolation(c.Interpolation)
	if !ok || !known {
		t.Fatalf("unknown: %s, %s", c.Policy, c.Interpolation)
	}
	return vision.Preprocess{
		Size: c.Size, Std: [3]float32{1, 1, 1},
		Scaling: vision.Scaling{Policy: policy, Interpolation: f, Side: c.Side, Pad: c.Pad},
	}
}

// synthetic returns the same image as oracle.py's.
func synthetic(w, h int) *vision.Image {
	m := vision.New(w, h)
	for i := range m.Pix {
		x, y, c := uint32(i/3%w), uint32(i/3/w), uint32(i%3)
		v := x*7 + y*13 + c*50 + (x*y*(c+3))>>3
		m.Pix[i] = uint8(v + (x*2654435761+y*40503+c*97)>>7&31)
	}
	return m
}

func TestEveryPolicyGivesTheLibrarysPixels(t *testing.T) {
	for _, c := range policyCases(t) {
		t.Run(c.Policy+"/"+c.Interpolation+"/"+c.Library, func(t *testing.T) {
			p := c.preprocess(t)
			view, pixels := make([]float32, 3*c.Size*c.Size), make([]byte, 3*c.Size*c.Size)
			var s vision.Scratch
			for name, want := range c.Hashes {
				p.View(sizedImage(t, name), 0, view, &s)
				for i, v := range view {
					pixels[i] = uint8(math.Round(float64(v) * 255))
				}
				if sum := sha256.Sum256(pixels); hex.EncodeToString(sum[:])[:len(want)] != want {
					t.Errorf("%s: other pixels", name)
				}
			}
			for name, file := range c.Arrays {
				p.View(sizedImage(t, name), 0, view, &s)
				for i, want := range readLevels(t, file) {
					if d := math.Abs(float64(view[i])*255 - float64(want)); d > c.Tolerance {
						t.Fatalf("%s: value %d is off by %g levels", name, i, d)
					}
				}
			}
			if len(c.Hashes)+len(c.Arrays) < 3 {
				t.Error("nothing is compared")
			}
		})
	}
}

func sizedImage(t *testing.T, name string) *vision.Image {
	t.Helper()
	var w, h int
	if n, err := fmt.Sscanf(name, "%dx%d", &w, &h); n != 2 {
		t.Fatalf("%q: %v", name, err)
	}
	return synthetic(w, h)
}

func readLevels(t *testing.T, name string) []float32 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/policies", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values, _, err := npy.ReadFloat32(f)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
