package runfolder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// Prefixes of the tensors of a checkpoint, by part.
const (
	modelPart     = "model/"
	optimizerPart = "optimizer/"
	swaPart       = "swa/"
)

// SaveCheckpoint implements loop.Store. It flushes metrics.jsonl first, so that the file
// has all lines up to the checkpoint.
func (f *Folder) SaveCheckpoint(c *loop.Checkpoint) error {
	if err := f.events.flush(); err != nil {
		return err
	}
	state, err := json.Marshal(c.State)
	if err != nil {
		return fmt.Errorf("writing a checkpoint: %w", err)
	}
	all := &weights.StateDict{Metadata: map[string]string{"state": string(state), "config": f.text}}
	add := func(prefix string, d *weights.StateDict) {
		if d == nil {
			return
		}
		for _, t := range d.Tensors {
			t.Name = prefix + t.Name
			all.Tensors = append(all.Tensors, t)
		}
	}
	add(modelPart, c.Model)
	add(optimizerPart, c.Optimizer)
	add(swaPart, c.SWA)
	return writeDict(f.Path(CheckpointFile), all)
}

// checkpoint reads the checkpoint. It returns nil if there is none.
func (f *Folder) checkpoint() (*loop.Checkpoint, error) {
	all, err := readDict(f.Path(CheckpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &loop.Checkpoint{Model: &weights.StateDict{}, Optimizer: &weights.StateDict{}}
	if err := json.Unmarshal([]byte(all.Metadata["state"]), &c.State); err != nil {
		return nil, fmt.Errorf("%s: reading the state: %w", f.Path(CheckpointFile), err)
	}
	if c.State.SWA > 0 {
		c.SWA = &weights.StateDict{}
	}
	for _, t := range all.Tensors {
		part, name, _ := strings.Cut(t.Name, "/")
		t.Name = name
		switch {
		case part+"/" == modelPart:
			c.Model.Tensors = append(c.Model.Tensors, t)
		case part+"/" == optimizerPart:
			c.Optimizer.Tensors = append(c.Optimizer.Tensors, t)
		case part+"/" == swaPart && c.SWA != nil:
			c.SWA.Tensors = append(c.SWA.Tensors, t)
		default:
			return nil, fmt.Errorf("%s: %s/%s is no tensor of a checkpoint", f.Path(CheckpointFile), part, name)
		}
	}
	return c, nil
}

// writeDict writes a file of weights atomically.
func writeDict(path string, d *weights.StateDict) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriterSize(out, 1<<20)
	if err := weights.Write(w, d); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return out.Commit()
}

// readDict reads a whole file of weights.
func readDict(path string) (*weights.StateDict, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	w, err := weights.Open(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d, err := w.StateDict()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}
