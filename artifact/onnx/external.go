package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// external says where the data of a tensor lie beside the model.
type external struct {
	// folder is the model's, or "" if it is not known.
	folder         string
	location       string
	offset, length int64 // length is -1 if the file does not state it
}

// set stores one entry of external_data.
func (x *external) set(key, value string) (err error) {
	switch key {
	case "location":
		x.location = value
	case "offset":
		x.offset, err = strconv.ParseInt(value, 10, 64)
	case "length":
		x.length, err = strconv.ParseInt(value, 10, 64)
	}
	return err
}

// read returns the tensor's bytes. The location must not leave the model's folder,
// neither by its path nor by symbolic links.
func (x *external) read(want int) ([]byte, error) {
	b, err := x.readFile(want)
	if err != nil {
		return nil, fmt.Errorf("external data %q: %w", shorten(x.location), err)
	}
	return b, nil
}

func (x *external) readFile(want int) ([]byte, error) {
	if x.folder == "" {
		return nil, errors.New("the model was read without its folder; open it by its path")
	}
	if !filepath.IsLocal(x.location) {
		return nil, errors.New("the path leaves the model's folder")
	}
	if x.length >= 0 && x.length != int64(want) {
		return nil, fmt.Errorf("the model states %d bytes, but type and shape need %d", x.length, want)
	}
	root, err := os.OpenRoot(x.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(x.location)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("this is no regular file")
	}
	if x.offset < 0 || x.offset > info.Size()-int64(want) {
		return nil, fmt.Errorf("the file has %d bytes, but %d are needed from byte %d on", info.Size(), want, x.offset)
	}
	f, err := root.Open(x.location)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, want)
	_, err = io.ReadFull(io.NewSectionReader(f, x.offset, int64(want)), b)
	return b, err
}
