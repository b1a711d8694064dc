package ensemble_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// tiny is a network that takes no time.
var tiny = arch.Arch{
	Name: "tiny", Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25},
	Build: func(c arch.Config) (*nn.Graph, error) {
		b := nn.NewBuilder("tiny", nn.Shape{C: 3, H: c.InputSize, W: c.InputSize})
		x := b.Conv("conv", b.Input(), nn.Conv2d{Out: 8, Kernel: nn.Square(3), Stride: nn.Square(2), Bias: true})
		x = b.GlobalAvgPool(b.ReLU(x))
		return b.Graph(b.Linear("output", x, c.Classes))
	},
}

const classes = 7

// world is an input root with images, a sample and the weights of a plan.
type world struct {
	root string
	plan *ensemble.Plan
	key  crypt.Key
	ids  []string
}

// newWorld makes a plan of three models, of 2, 1 and 2 folds, of which the
// folds 1 are encrypted, and n images.
func newWorld(t testing.TB, n int) *world {
	t.Helper()
	key, err := crypt.NewKey()
	must(t, err)
	w := &world{root: t.TempDir(), key: key, plan: &ensemble.Plan{Name: "test", Classes: classes}}
	for i, folds := range []int{2, 1, 2} {
		m := ensemble.Model{
			Name: fmt.Sprintf("m%d", i), Weight: []float64{0.4, -0.1, 0.35}[i], Arch: "tiny",
			InputSize: []int{8, 12, 8}[i], Classes: classes, Views: []int{2, 1, 4}[i],
		}
		for f := range folds {
			name := fmt.Sprintf("m%d_f%d_e1_0.5", i, f)
			data := weightFile(t, tiny, m, name)
			sum := sha256.Sum256(data)
			m.Folds = append(m.Folds, ensemble.Fold{
				Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), Threshold: 0.45 + 0.02*float64(f),
			})
			if f == 0 {
				w.write(t, "datasets/owner/weights/"+name+".safetensors", data)
			} else {
				w.write(t, "datasets/owner/weights/"+name+".safetensors.enc", w.encrypt(t, name+".safetensors", data))
			}
		}
		w.plan.Models = append(w.plan.Models, m)
	}
	sample := "id,attribute_ids\n"
	for i := range n {
		id := fmt.Sprintf("%04de%02d", 7919*i%10000, i)
		w.ids = append(w.ids, id)
		w.write(t, "competitions/c/test/"+id+".png", pngFile(t, 8+i%9, 10+i%5, i))
		sample += id + ",0 1\n"
	}
	w.write(t, "competitions/c/sample_submission.csv", []byte(sample))
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.root, filepath.FromSlash(name)) }

func (w *world) write(t testing.TB, name string, data []byte) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
	must(t, os.WriteFile(w.path(name), data, 0o644))
}

func (w *world) encrypt(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := crypt.NewWriter(&b, w.key, name)
	must(t, err)
	_, err = e.Write(data)
	must(t, err)
	must(t, e.Close())
	return b.Bytes()
}

// weightFile makes a safetensors file of the recipe's weights; the seed makes
// them differ.
func weightFile(t testing.TB, a arch.Arch, m ensemble.Model, seed string) []byte {
	t.Helper()
	g, err := a.Build(arch.Config{InputSize: m.InputSize, Classes: m.Classes})
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

func pngFile(t testing.TB, w, h, seed int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(127 + 127*golden.Uniform(fmt.Sprint("image", seed), i/(4+seed%40)))
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, m))
	return b.Bytes()
}

// options run the world's plan into a folder.
func (w *world) options(dir string) ensemble.Options {
	return ensemble.Options{
		Archs: []arch.Arch{tiny}, Formats: formats.All(), Key: &w.key, Input: w.root,
		Output: filepath.Join(dir, "submission.csv"), Threads: 2, Batch: 4,
	}
}

// predict runs the plan and returns the submission.
func (w *world) predict(t testing.TB, change func(*ensemble.Options)) (string, ensemble.Summary) {
	t.Helper()
	o := w.options(t.TempDir())
	if change != nil {
		change(&o)
	}
	s, err := ensemble.Run(context.Background(), w.plan, o)
	must(t, err)
	return read(t, o.Output), s
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// labels parses a submission, which must have the world's ids in order.
func (w *world) labels(t testing.TB, submission string) []string {
	t.Helper()
	table, err := input.ReadTable("submission.csv", strings.NewReader(submission))
	must(t, err)
	if got := table.IDs(); strings.Join(got, " ") != strings.Join(w.ids, " ") {
		t.Fatalf("the ids are %q", got)
	}
	var list []string
	for i, row := range table.Rows {
		if _, err := table.Classes(i, classes); err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Labels)
	}
	return list
}
