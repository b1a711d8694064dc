package weightfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// maxIndex bounds the size of an index. An index has about a hundred bytes per
// tensor.
const maxIndex = 64 << 20

// openIndex reads the index of sharded weights
// (model.safetensors.index.json, pytorch_model.bin.index.json):
//
//	{"metadata": {…}, "weight_map": {"conv1.weight": "model-00001-of-00002.safetensors", …}}
//
// The files lie beside it.
func (f *File) openIndex() error {
	text, err := io.ReadAll(io.NewSectionReader(f.reader, 0, min(f.size, maxIndex)))
	if err != nil {
		return err
	}
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil || len(index.Map) == 0 {
		return errors.New("a JSON text, not a file of weights")
	}
	names, err := shardNames(index.Map)
	if err != nil {
		return err
	}
	if err := f.checkShards(names); err != nil {
		return err
	}
	all := &shards{of: map[string]tensors{}}
	merged := set{open: func() (tensors, error) { return all, nil }}
	for _, name := range names {
		shard, err := OpenAny(filepath.Join(filepath.Dir(f.path), name))
		if err != nil {
			return err
		}
		f.shards = append(f.shards, shard)
		if len(shard.sets) != 1 {
			return fmt.Errorf("%s: it holds more than one dict of tensors", name)
		}
		part := shard.sets[0]
		from, err := part.open()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, info := range part.infos {
			if index.Map[info.Name] == name {
				merged.infos = append(merged.infos, info)
				all.of[info.Name] = from
			}
		}
		f.format, f.metadata = shard.format, shard.metadata
	}
	for name, file := range index.Map {
		if all.of[name] == nil {
			return fmt.Errorf("the tensor %s is not in %s", name, file)
		}
	}
	f.sets = []set{merged}
	return nil
}

// shardNames returns the files of an index, sorted.
func shardNames(of map[string]string) ([]string, error) {
	var names []string
	for tensor, name := range of {
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("the tensor %s is in %q, which is not a file of this folder", tensor, name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// checkShards returns an error that names all missing files.
func (f *File) checkShards(names []string) error {
	var missing []string
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(filepath.Dir(f.path), name)); err != nil {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		return nil
	}
	return hint.New(fmt.Errorf("%d of its %d files are missing: %s", len(missing), len(names), list(missing)),
		"put them beside %s", filepath.Base(f.path))
}

// shards reads each tensor from the file that has it.
type shards struct{ of map[string]tensors }

func (s *shards) Tensor(name string) (weights.Tensor, error) { return s.of[name].Tensor(name) }

func (s *shards) Float32(name string) (data []float32, shape []int, err error) {
	return s.of[name].Float32(name)
}

// shardIndex returns the path of the index that lists a part of sharded weights, or
// "" for other names: model.safetensors.index.json for
// model-00001-of-00002.safetensors.
func shardIndex(path string) string {
	m := shardName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return ""
	}
	return filepath.Join(filepath.Dir(path), m[1]+m[2]+indexExt)
}

var shardName = regexp.MustCompile(`^(.+)-\d{5}-of-\d{5}(\.[A-Za-z]+)$`)
