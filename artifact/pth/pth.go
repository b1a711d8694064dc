// Package pth reads the files that PyTorch's torch.save writes, without
// Python and without running anything that a file names.
//
//	c, err := pth.Open(f, size)
//	tensors, err := c.Load(c.Dicts[0])
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
// A [Checkpoint] lists the dicts of tensors in the file, at most [maxDepth] dicts
// deep; package weightfile chooses one. Load makes their tensors contiguous. The
// checkpoint's own texts and numbers (arch, epoch, score, …) become the metadata.
//
// Refused, by name: whole pickled models (save model.state_dict() instead),
// TorchScript, compressed archives, files of big-endian machines, tensors that
// are quantized, sparse, complex, of 8-bit floats, of a TPU or without data,
// NumPy arrays, pickles of protocol 0, 1 and above 5. A tensor that can't be read
// spoils only the dict that has it. Memory is bounded by the file's size, tensors
// that overlap by 8 times that.
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

// Checkpoint is a file whose pickle was read.
type Checkpoint struct {
	// Dicts are the dicts of tensors, outer ones first.
	Dicts []*Dict
	// Lists are the paths of lists of tensors, such as an average's shadow_params.
	// They have no names, so they are not read.
	Lists [][]string
	// Metadata are the texts and numbers among the file's fields.
	Metadata map[string]string

	archive *archive
}

// Open reads the pickle of a file of size bytes. Tensors are read by
// [Checkpoint.Load], for which the caller keeps r open.
func Open(r io.ReaderAt, size int64) (*Checkpoint, error) {
	c, err := open(r, size)
	if err != nil {
		return nil, fmt.Errorf("reading a PyTorch file: %w", err)
	}
	return c, nil
}

// Load reads the tensors of a dict, in its order.
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

// Recognize reports whether a file that begins with these bytes (16 are
// enough) looks like one of torch.save's.
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
