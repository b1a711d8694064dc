// Package jpeg decodes JPEG images.
package jpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Format is JPEG, decoded by the standard library.
var Format = vision.Format{
	Name:   "jpeg",
	Match:  func(head []byte) bool { return bytes.HasPrefix(head, []byte("\xff\xd8\xff")) },
	Decode: decode,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, decodeError(err)
	}
	if err := vision.CheckSize("jpeg", c.Width, c.Height); err != nil {
		return nil, err
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, decodeError(err)
	}
	return vision.FromImage(m, alpha), nil
}

func decodeError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("decoding jpeg: the file is truncated")
	}
	return fmt.Errorf("decoding jpeg: %w", err)
}
