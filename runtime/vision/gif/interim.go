// Package gif decodes GIF images.
package gif

import (
	"bytes"
	"errors"
	"fmt"
	"image/gif"
	"io"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Format is GIF, decoded by the standard library.
var Format = vision.Format{
	Name:   "gif",
	Match:  func(head []byte) bool { return bytes.HasPrefix(head, []byte("GIF8")) },
	Decode: decode,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	c, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, decodeError(err)
	}
	if err := vision.CheckSize("gif", c.Width, c.Height); err != nil {
		return nil, err
	}
	m, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, decodeError(err)
	}
	return vision.FromImage(m, alpha), nil
}

func decodeError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("decoding gif: the file is truncated")
	}
	return fmt.Errorf("decoding gif: %w", err)
}
