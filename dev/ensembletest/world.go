// Package ensembletest makes the input root of a small ensemble for tests: images,
// a sample submission, and plain and encrypted weights of a tiny network.
//
//	w := ensembletest.New(t, 6)
//	summary, err := predict.Run(ctx, w.Plan, predict.Options{Archs: []arch.Arch{ensembletest.Tiny}, Operations: engine.Operations(), Input: w.Root, Key: &w.Key, …})
//
// Equal arguments make equal files, except for the key.
package ensembletest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Tiny is an architecture of one convolution and one linear layer.
var Tiny = arch.Arch{
	Name: "tiny", Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25},
	Build: func(c arch.Config) (*nn.Graph, error) {
		b := nn.NewBuilder("tiny", nn.Shape{C: 3, H: c.InputSize, W: c.InputSize})
		x := b.Conv("conv", b.Input(), nn.Conv2d{Out: 8, Window: nn.Square(3), Stride: nn.Square(2), Bias: true})
		x = b.GlobalAvgPool(b.ReLU(x))
		return b.Graph(b.Linear("output", x, c.Classes))
	},
}

// Classes is the number of classes of a World.
const Classes = 7

// World is an input root with images, a sample and the weights of a plan.
type World struct {
	Root string // input root
	Plan *ensemble.Plan
	Key  crypt.Key // decrypts the encrypted weights
	IDs  []string  // ids of the sample submission, in its order
}

// New makes an input root with n images and a plan of three models with 2, 1 and 2
// folds. The weights of the second folds are encrypted.
func New(t testing.TB, n int) *World {
	t.Helper()
	key, err := crypt.NewKey()
	must(t, err)
	w := &World{Root: t.TempDir(), Key: key, Plan: &ensemble.Plan{Name: "test", Classes: Classes}}
	for i, folds := range []int{2, 1, 2} {
		m := ensemble.Model{
			Name: fmt.Sprintf("m%d", i), Coefficient: []float64{0.4, -0.1, 0.35}[i], Arch: "tiny",
			InputSize: []int{8, 12, 8}[i], Classes: Classes, Views: []int{2, 1, 4}[i],
		}
		for f := range folds {
			name := fmt.Sprintf("m%d_f%d_e1_0.5", i, f)
			data := WeightFile(t, Tiny, m, name)
			sum := sha256.Sum256(data)
			m.Folds = append(m.Folds, ensemble.Fold{
				Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), Threshold: 0.45 + 0.02*float64(f),
			})
			if f == 0 {
				w.Write(t, "datasets/owner/weights/"+name+".safetensors", data)
			} else {
				w.Write(t, "datasets/owner/weights/"+name+".safetensors.enc", w.encrypt(t, name+".safetensors", data))
			}
		}
		w.Plan.Models = append(w.Plan.Models, m)
	}
	sample := "id,attribute_ids\n"
	for i := range n {
		id := fmt.Sprintf("%04de%02d", 7919*i%10000, i)
		w.IDs = append(w.IDs, id)
		w.Write(t, "competitions/c/test/"+id+".png", PNG(t, 8+i%9, 10+i%5, i))
		sample += id + ",0 1\n"
	}
	w.Write(t, "competitions/c/sample_submission.csv", []byte(sample))
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Path returns the path of a file under the input root.
func (w *World) Path(name string) string { return filepath.Join(w.Root, filepath.FromSlash(name)) }

// Write writes a file under the input root, and makes its folder.
func (w *World) Write(t testing.TB, name string, data []byte) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(w.Path(name)), 0o755))
	must(t, os.WriteFile(w.Path(name), data, 0o644))
}

func (w *World) encrypt(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := crypt.NewWriter(&b, w.Key, name)
	must(t, err)
	_, err = e.Write(data)
	must(t, err)
	must(t, e.Close())
	return b.Bytes()
}

// WeightFile returns a safetensors file of golden weights. Another seed gives other
// weights.
func WeightFile(t testing.TB, a arch.Arch, m ensemble.Model, seed string) []byte {
	t.Helper()
	g, err := a.Build(m.Config())
	must(t, err)
	dict := &weights.StateDict{Metadata: map[string]string{"arch": a.Name}}
	for _, p := range g.Params() {
		values := golden.Tensor(seed+p.Name, p.Shape...)
		dict.Tensors = append(dict.Tensors, weights.NewFloat32(p.Name, p.Shape, values))
	}
	var b bytes.Buffer
	must(t, weights.Write(&b, dict))
	return b.Bytes()
}

// PNG returns a PNG file of w × h pixels. Another seed gives other pixels.
func PNG(t testing.TB, w, h, seed int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(127 + 127*golden.Uniform(fmt.Sprint("image", seed), i/(4+seed%40)))
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, m))
	return b.Bytes()
}
