// Package png decodes PNG images.
package png

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Format is PNG, decoded by the standard library.
var Format = vision.Format{
	Name:   "png",
	Match:  func(head []byte) bool { return bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")) },
	Decode: decode,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, decodeError(err)
	}
	if err := vision.CheckSize("png", c.Width, c.Height); err != nil {
		return nil, err
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, decodeError(err)
	}
	return vision.FromImage(m, alpha), nil
}

func decodeError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("decoding png: the file is truncated")
	}
	return fmt.Errorf("decoding png: %w", err)
}
