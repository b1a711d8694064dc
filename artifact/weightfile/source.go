package weightfile

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/artifact/pth"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// set is a dict of tensors in a file, under the names in the file.
type set struct {
	path  []string // keys that lead to it
	infos []weights.Info
	// open prepares the tensors to be read.
	open func() (tensors, error)
}

// tensors reads tensors by their names in the file.
type tensors interface {
	Tensor(name string) (weights.Tensor, error)
	Float32(name string) (data []float32, shape []int, err error)
}

// safetensorsSet returns the one dict of a safetensors file.
func safetensorsSet(f *weights.File) set {
	return set{infos: f.Infos(), open: func() (tensors, error) { return f, nil }}
}

// pthSets returns the dicts of a PyTorch file.
func pthSets(c *pth.Checkpoint) []set {
	sets := make([]set, len(c.Dicts))
	for i, d := range c.Dicts {
		sets[i] = set{path: d.Path, infos: d.Infos, open: func() (tensors, error) {
			list, err := c.Load(d)
			if err != nil {
				return nil, err
			}
			m := make(loaded, len(list))
			for _, t := range list {
				m[t.Name] = t
			}
			return m, nil
		}}
	}
	return sets
}

// loaded are tensors in memory.
type loaded map[string]weights.Tensor

func (l loaded) Tensor(name string) (weights.Tensor, error) {
	t, ok := l[name]
	if !ok {
		return t, fmt.Errorf("reading tensor %s: there is none", name)
	}
	return t, nil
}

func (l loaded) Float32(name string) (data []float32, shape []int, err error) {
	t, err := l.Tensor(name)
	if err != nil {
		return nil, nil, err
	}
	data, err = t.Float32s()
	return data, t.Shape, err
}
