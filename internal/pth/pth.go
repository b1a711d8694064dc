// Package pth reads the files that PyTorch's torch.save writes, without
// Python and without running anything that a file names.
//
//	dict, err := pth.Read(f, size)
//
// Such a file is a pickle, a program for a small stack machine that may call
// any Python function, followed or accompanied by the tensors' bytes. Both of
// torch.save's forms are read: the zip archive (since PyTorch 1.6), and the
// older form of four pickles with the storages behind. The machine here knows
// the handful of functions that rebuild tensors and containers
// ([torch._utils]._rebuild_tensor_v2, OrderedDict, …); any other name, be it a
// config class or os.system, becomes an inert placeholder that remembers its
// name, and calling it gives another.
//
// The result is the state dict that the file is or holds (under "state_dict",
// "model" and the like), its tensors contiguous, a DataParallel "module."
// taken off the names. The checkpoint's own texts and numbers (arch, epoch,
// score, …) become the metadata.
//
// Refused, by name: whole pickled models (save model.state_dict() instead),
// state dicts with entries that are not tensors, compressed archives, files
// of big-endian machines, complex and quantised tensors, pickles of protocol
// 0, 1 and above 5. Memory is bounded by the file's size, tensors that overlap
// by 8 times that.
package pth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Read reads a file of size bytes.
func Read(r io.ReaderAt, size int64) (*weights.StateDict, error) {
	dict, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("reading a PyTorch file: %w", err)
	}
	return dict, nil
}

// Recognize reports whether a file that begins with these bytes (16 are
// enough) looks like one of torch.save's.
func Recognize(start []byte) bool {
	return bytes.HasPrefix(start, []byte(zipMagic)) || bytes.HasPrefix(start, []byte(legacyMagic))
}

func read(r io.ReaderAt, size int64) (*weights.StateDict, error) {
	start := make([]byte, min(size, 16))
	if _, err := r.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, err
	}
	var a *archive
	var err error
	switch {
	case bytes.HasPrefix(start, []byte(zipMagic)):
		a, err = openZip(r, size)
	case bytes.HasPrefix(start, []byte(legacyMagic)):
		a, err = openLegacy(r, size)
	default:
		err = errors.New("it is neither of torch.save's forms")
	}
	if err != nil {
		return nil, err
	}
	named, err := findState(a.root)
	if err != nil {
		return nil, err
	}
	stripModule(named)
	tensors, err := a.load(named)
	if err != nil {
		return nil, err
	}
	return &weights.StateDict{Tensors: tensors, Metadata: metadata(a.root)}, nil
}

// archive is a file whose pickle was read.
type archive struct {
	root any
	size int64 // of the file
	// storage reads the bytes of a storage.
	storage func(*storage) ([]byte, error)
}

// namedTensor is an entry of a state dict.
type namedTensor struct {
	name string
	*tensor
}

// stateKeys are where checkpoints keep the state dict.
var stateKeys = [...]string{"state_dict", "model_state_dict", "model", "net", "network", "weights", "params"}

// findState returns the state dict that a file is or holds, at most two dicts
// deep.
func findState(root any) ([]namedTensor, error) {
	if d := stateIn(root, 2); d != nil {
		return d.tensors()
	}
	if o, ok := root.(*object); ok {
		return nil, fmt.Errorf("it holds an object of %s, not a state dict; in Python, save model.state_dict()", o.class)
	}
	return nil, fmt.Errorf("no state dict found, neither by itself nor under %s", strings.Join(stateKeys[:], ", "))
}

// stateIn returns the dict of tensors that v is or holds, at most so many
// dicts deep. What lies under a known key goes before tensors beside it.
func stateIn(v any, depth int) *dict {
	d, ok := v.(*dict)
	if !ok {
		return nil
	}
	for _, key := range stateKeys {
		if depth == 0 {
			break
		}
		if inner := stateIn(d.get(key), depth-1); inner != nil {
			return inner
		}
	}
	if d.holdsTensors() {
		return d
	}
	return nil
}

// holdsTensors reports whether any value is a tensor.
func (d *dict) holdsTensors() bool {
	for _, p := range d.pairs {
		if _, ok := p.value.(*tensor); ok {
			return true
		}
	}
	return false
}

// tensors returns a dict's entries as a state dict's. As in Python, of equal
// keys the first gives the place and the last the value.
func (d *dict) tensors() ([]namedTensor, error) {
	place := make(map[string]int, len(d.pairs))
	named := make([]namedTensor, 0, len(d.pairs))
	for _, p := range d.pairs {
		name, ok := p.key.(string)
		if !ok {
			return nil, fmt.Errorf("the state dict has the key %s, which is not a text", describe(p.key))
		}
		t, ok := p.value.(*tensor)
		if !ok {
			return nil, fmt.Errorf("the state dict's %q is %s, not a tensor", name, describe(p.value))
		}
		if i, ok := place[name]; ok {
			named[i].tensor = t
			continue
		}
		place[name] = len(named)
		named = append(named, namedTensor{name, t})
	}
	return named, nil
}

// stripModule takes the "module." off that DataParallel puts before every
// name.
func stripModule(named []namedTensor) {
	const prefix = "module."
	for _, t := range named {
		if !strings.HasPrefix(t.name, prefix) {
			return
		}
	}
	for i := range named {
		named[i].name = named[i].name[len(prefix):]
	}
}

// maxText is how long a text may be to become metadata.
const maxText = 1 << 16

// metadata returns the texts and numbers among a checkpoint's fields.
func metadata(root any) map[string]string {
	m := map[string]string{"format": "pt"}
	d, ok := root.(*dict)
	if !ok {
		return m
	}
	for _, p := range d.pairs {
		key, ok := p.key.(string)
		if !ok || len(key) > maxText {
			continue
		}
		switch v := p.value.(type) {
		case string:
			if len(v) <= maxText {
				m[key] = v
			}
		case bool:
			m[key] = strconv.FormatBool(v)
		case int64:
			m[key] = strconv.FormatInt(v, 10)
		case float64:
			m[key] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return m
}

// overlap is how many times a file's size the tensors made of it may take:
// names may share a storage, but a file must not unfold without end.
const overlap = 8

// load reads the tensors' bytes, each storage once.
func (a *archive) load(named []namedTensor) ([]weights.Tensor, error) {
	out := make([]weights.Tensor, len(named))
	users := map[*storage][]int{}
	var order []*storage
	budget := a.size * overlap
	for i, t := range named {
		n, err := t.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", t.name, err)
		}
		if budget -= int64(n); budget < 0 {
			return nil, fmt.Errorf("its tensors take more than %d times the file's size", overlap)
		}
		out[i] = weights.Tensor{Name: t.name, DType: t.storage.dtype, Shape: t.shape}
		if users[t.storage] == nil {
			order = append(order, t.storage)
		}
		users[t.storage] = append(users[t.storage], i)
	}
	for _, s := range order {
		data, err := a.storage(s)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", named[users[s][0]].name, err)
		}
		for _, i := range users[s] {
			out[i].Data = named[i].gather(data)
		}
	}
	return out, nil
}

// readAt reads n bytes, taking a short read for an error.
func readAt(r io.ReaderAt, at, n int64) ([]byte, error) {
	b := make([]byte, n)
	k, err := r.ReadAt(b, at)
	if int64(k) == n {
		return b, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}

func uint64At(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
