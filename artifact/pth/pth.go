// Package pth reads the files of PyTorch's torch.save, without Python and without
// running anything that a file names.
//
//	c, err := pth.Open(f, size)
//	tensors, err := c.Load(c.Dicts[0])
//
// Such a file holds a pickle and the bytes of the tensors. A pickle is a program for
// a small stack machine that may call any Python function. The package reads both
// formats of torch.save: the zip archive (PyTorch 1.6 and later), and the older
// format of four pickles followed by the storages. Its machine knows the few
// functions that rebuild tensors and containers (torch._utils._rebuild_tensor_v2,
// OrderedDict, …). Any other name, be it a config class or os.system, becomes an
// inert placeholder. Calling it returns another one.
//
// A [Checkpoint] lists the dicts of tensors in the file, at most four dicts deep;
// package weightfile chooses among them. Load makes their tensors contiguous. The
// texts and numbers of the checkpoint (arch, epoch, score, …) become the metadata.
//
// The package refuses whole pickled models (save model.state_dict() instead),
// TorchScript, compressed archives, big-endian files, and pickles of protocol 0, 1
// and above 5. It refuses tensors that are quantized, sparse, complex, of 8-bit
// floats, of a TPU or without data, and NumPy arrays. The error names the reason. An
// unsupported tensor affects only the dict that has it. Memory is bounded by the size
// of the file, or by 8 times that for tensors that overlap.
package pth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Checkpoint is an open file whose pickle was read.
type Checkpoint struct {
	// Dicts holds the dicts of tensors, outer ones first.
	Dicts []*Dict
	// Lists holds the paths of lists of tensors, such as the shadow_params of an
	// average. Their tensors have no names and are not read.
	Lists [][]string
	// Metadata holds the texts and numbers among the fields of the file.
	Metadata map[string]string

	archive *archive
}

// Open reads the pickle of a file of size bytes. [Checkpoint.Load] reads the tensors;
// until then the caller keeps r open.
func Open(r io.ReaderAt, size int64) (*Checkpoint, error) {
	c, err := open(r, size)
	if err != nil {
		return nil, fmt.Errorf("reading a PyTorch file: %w", err)
	}
	return c, nil
}

// Load reads the tensors of a dict in order.
func (c *Checkpoint) Load(d *Dict) ([]weights.Tensor, error) {
	err := d.err
	var tensors []weights.Tensor
	if err == nil {
		tensors, err = c.archive.load(d.named)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a PyTorch file: %w", err)
	}
	return tensors, nil
}

// Recognize reports whether the first bytes of a file (16 suffice) look like a file
// of torch.save.
func Recognize(start []byte) bool {
	return bytes.HasPrefix(start, []byte(zipMagic)) || bytes.HasPrefix(start, []byte(legacyMagic))
}

func open(r io.ReaderAt, size int64) (*Checkpoint, error) {
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
	c := &Checkpoint{Metadata: metadata(a.root), archive: a}
	c.Dicts, c.Lists = dictsIn(a.root)
	if len(c.Dicts) == 0 {
		return nil, noState(a.root)
	}
	return c, nil
}

// archive is a file whose pickle was read.
type archive struct {
	root any
	size int64 // of the file
	// storage reads the bytes of a storage.
	storage func(*storage) ([]byte, error)
}

// maxText is the length up to which a text becomes metadata.
const maxText = 1 << 16

// metadata returns the texts and numbers among the fields of a checkpoint.
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

// overlap bounds the size of all tensors, in multiples of the file's size. Names may
// share a storage, but a small file must not expand without limit.
const overlap = 8

// load reads the bytes of the tensors, each storage once.
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

// readAt reads n bytes. A short read is an error.
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
