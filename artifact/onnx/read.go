package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The limits on files. Real networks have up to 7,000 nodes. Items are messages and
// strings; each costs about 100 bytes of memory.
const (
	maxBytes = 1<<31 - 1
	maxNodes = 1 << 16
	maxItems = 1 << 18
	maxDepth = 8
	maxRank  = 16
)

// The versions that the reader accepts.
const (
	minIR, maxIR = 3, 13
	maxOpset     = 27
)

// Open reads the model in a file. External data are read when they are asked for, from
// the file's folder.
func Open(path string) (*Model, error) {
	m, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s as ONNX: %w", path, err)
	}
	return m, nil
}

func open(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("%d bytes are more than an ONNX file can hold", info.Size())
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return parse(b, filepath.Dir(path))
}

// Parse reads a model from memory, which must not change afterwards. Its external
// data cannot be read.
func Parse(b []byte) (*Model, error) {
	m, err := parse(b, "")
	if err != nil {
		return nil, fmt.Errorf("reading ONNX: %w", err)
	}
	return m, nil
}

// ParseTensor reads a file that holds a single tensor, as the official test suite
// stores inputs and outputs. b must not change afterwards.
func ParseTensor(b []byte) (*Tensor, error) {
	t, err := (&decoder{}).tensor(b)
	if err != nil {
		return nil, fmt.Errorf("reading an ONNX tensor: %w", err)
	}
	return t, nil
}

func parse(b []byte, folder string) (*Model, error) {
	d := &decoder{folder: folder}
	m, err := d.model(b)
	if err != nil {
		return nil, err
	}
	if err := checkVersions(m); err != nil {
		return nil, err
	}
	if err := d.inline(m); err != nil {
		return nil, err
	}
	if err := sortGraph(m.Graph, nil); err != nil {
		return nil, err
	}
	return m, nil
}

func checkVersions(m *Model) error {
	if m.IRVersion < minIR || m.IRVersion > maxIR {
		return fmt.Errorf("IR version %d is not one of %d to %d", m.IRVersion, minIR, maxIR)
	}
	if m.Graph == nil {
		return errors.New("there is no graph: the file is cut, or no ONNX model")
	}
	version, ok := m.Opsets[""]
	if !ok && len(m.Opsets) == 0 {
		return errors.New("the file imports no operator set: it is cut, or no ONNX model")
	}
	if ok && (version < 1 || version > maxOpset) {
		return fmt.Errorf("operator set %d is not one of 1 to %d", version, maxOpset)
	}
	return nil
}
