package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// ImportFile returns the network in an ONNX file, and adds the file's name to the
// metadata of its weights. Errors name the file.
func ImportFile(ctx context.Context, path string, o Options) (*Network, *onnx.Model, error) {
	m, err := onnx.Open(path)
	if err != nil {
		return nil, nil, err
	}
	n, err := Import(ctx, m, o)
	if err != nil {
		return nil, nil, fmt.Errorf("importing %s: %w", path, err)
	}
	n.Weights.Metadata["onnx"] = filepath.Base(path)
	return n, m, nil
}

// OpenAny opens a file of weights, as [weightfile.OpenAny] does, or imports an ONNX
// model. An imported model has the metadata of [Network.Weights].
func OpenAny(ctx context.Context, path string, o Options) (*weightfile.File, error) {
	f, err := weightfile.OpenAny(path)
	if !errors.Is(err, weightfile.ErrONNX) {
		return f, err
	}
	n, _, err := ImportFile(ctx, path, o)
	if errors.Is(err, ErrInputSize) {
		return nil, hint.New(err, "`infer import %s --input-size PIXELS` makes weights of it", path)
	} else if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := weights.Write(&b, n.Weights); err != nil {
		return nil, fmt.Errorf("importing %s: %w", path, err)
	}
	return weightfile.New(path, bytes.NewReader(b.Bytes()), int64(b.Len()))
}
