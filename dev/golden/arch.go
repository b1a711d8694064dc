package golden

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Cell is the block size of the input images of references.
const Cell = 32

// Reference holds PyTorch's outputs for an architecture.
type Reference struct {
	// Arch is the architecture's name here; ConfigArch is its name in configs.
	Arch       string `json:"arch"`
	ConfigArch string `json:"config_arch"`
	// Input is the shape of the batch: N, 3, H, W.
	Input     [4]int          `json:"input"`
	Classes   int             `json:"num_classes"`
	StateDict []ReferenceInfo `json:"state_dict"`
	// Keys is the digest of the state dict's names and shapes; see [Keys]. Only timm's
	// references have it, in place of StateDict.
	Keys    string   `json:"keys"`
	Modules []Module `json:"modules"`
	// Logits has shape (N, Classes).
	Logits []float32 `json:"logits"`
}

// ReferenceInfo is one tensor of a PyTorch state dict.
type ReferenceInfo struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	DType string `json:"dtype"`
}

// Module summarizes a module's output: its shape, (N, C, H, W) or (N, classes), the mean
// and standard deviation of all values, and the first values.
type Module struct {
	Name  string    `json:"module"`
	Shape []int     `json:"shape"`
	Mean  float64   `json:"mean"`
	Std   float64   `json:"std"`
	Head  []float64 `json:"head"`
}

// Arch reads the reference of an architecture.
func Arch(name string) (*Reference, error) {
	r, err := read("arch", name)
	if err != nil {
		return nil, err
	}
	r.Logits, err = Logits(name)
	return r, err
}

// Timm reads the reference of an architecture of timm, which timm/references.py made.
func Timm(name string) (*Reference, error) { return read("timm", name) }

func read(folder, name string) (*Reference, error) {
	r := new(Reference)
	text, err := fs.ReadFile(FS, "testdata/"+folder+"/"+name+".json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading the reference of %s: %w", name, err)
	}
	return r, nil
}

// Keys returns the SHA-256 of the names and shapes of a network's parameters, as lines
// "NAME SHAPE" in the order of the names.
func Keys(g *nn.Graph) string {
	var lines []string
	for _, p := range g.Params() {
		shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(p.Shape), "[]"), " ", "x")
		lines = append(lines, p.Name+" "+shape+"\n")
	}
	slices.Sort(lines)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, ""))))
}

// Logits reads an architecture's reference logits, row by row.
func Logits(name string) ([]float32, error) {
	file, err := fs.ReadFile(FS, "testdata/arch/"+name+".logits.npy")
	if err != nil {
		return nil, err
	}
	logits, _, err := npy.ReadFloat32(bytes.NewReader(file))
	return logits, err
}

// Has reports whether the reference network has a tensor of that name. It is a valid
// arch.Config.Keys.
func (r *Reference) Has(name string) bool {
	for _, info := range r.StateDict {
		if info.Name == name {
			return true
		}
	}
	return false
}

// StateDict returns the recipe's weights of a network as a PyTorch state dict, with the
// counters of the batch norms.
func StateDict(g *nn.Graph) *weights.StateDict {
	s := &weights.StateDict{Metadata: map[string]string{
		"format": "pt", "arch": g.Arch, "classes": fmt.Sprint(g.Classes()), "input_size": fmt.Sprint(g.Input.Shape.H),
	}}
	for _, n := range g.Nodes {
		if n.Shared != nil {
			continue // the node that it shares its parameters with has them
		}
		for _, p := range n.Params() {
			s.Tensors = append(s.Tensors, weights.NewFloat32(p.Name, p.Shape, Tensor(p.Name, p.Shape...)))
		}
		if n.Op == nn.BatchNorm {
			s.Tensors = append(s.Tensors, weights.Tensor{Name: n.Name + ".num_batches_tracked", DType: weights.I64, Shape: []int{}, Data: make([]byte, 8)})
		}
	}
	return s
}

// Params implements engine.Params with the recipe's weights. It maps names to shapes.
type Params map[string][]int

// ParamsOf returns the recipe's weights of a network.
func ParamsOf(g *nn.Graph) Params {
	p := Params{}
	for _, q := range g.Params() {
		p[q.Name] = q.Shape
	}
	return p
}

// Float32 returns the named tensor.
func (p Params) Float32(name string) ([]float32, []int, error) {
	shape, ok := p[name]
	if !ok {
		return nil, nil, fmt.Errorf("there is no tensor %s", name)
	}
	return Tensor(name, shape...), shape, nil
}

// NHWC reorders a batch from PyTorch's (N, C, H, W) to (N, H, W, C).
func NHWC(nchw []float32, n, c, h, w int) []float32 {
	out := make([]float32, len(nchw))
	for i := range n {
		for ch := range c {
			plane := nchw[(i*c+ch)*h*w:][:h*w]
			for j, v := range plane {
				out[(i*h*w+j)*c+ch] = v
			}
		}
	}
	return out
}
