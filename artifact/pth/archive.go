package pth

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	zipMagic = "PK\x03\x04"
	// legacyMagic is protocol 2 and the ten-byte number 0x1950a86a20f9469cfc6c.
	legacyMagic   = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
	legacyVersion = 1001
)

// openZip reads the pickle of an archive:
//
//	NAME/data.pkl   the pickle
//	NAME/data/KEY   the storages, uncompressed
//	NAME/byteorder  "little", in newer files
func openZip(r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("its archive is damaged or incomplete (%w): copy or download the file again", err)
	}
	files := make(map[string]*zip.File, len(z.File))
	folder, found := "", false
	for _, f := range z.File {
		if files[f.Name] != nil {
			return nil, fmt.Errorf("its archive has two files %q", f.Name)
		}
		files[f.Name] = f
		if prefix, ok := strings.CutSuffix(f.Name, "data.pkl"); ok && strings.Count(prefix, "/") <= 1 && !found {
			folder, found = prefix, true
		}
	}
	if err := otherArchive(z.File, folder, found); err != nil {
		return nil, err
	}
	if f := files[folder+"byteorder"]; f != nil {
		order, err := readEntry(f, 16)
		if err != nil {
			return nil, err
		}
		if string(order) != "little" {
			return nil, fmt.Errorf("its byte order is %q; only little-endian files are read", order)
		}
	}
	pickle, err := readEntry(files[folder+"data.pkl"], min(maxPickle, size))
	if err != nil {
		return nil, err
	}
	root, _, err := run(pickle, map[string]*storage{})
	if err != nil {
		return nil, err
	}
	budget := size // an archive may list the same bytes as several files
	return &archive{root: root, size: size, storage: func(s *storage) ([]byte, error) {
		f := files[folder+"data/"+s.key]
		if f == nil {
			return nil, fmt.Errorf("the archive has no storage %q", s.key)
		}
		want := int64(s.elements) * int64(s.dtype.Size())
		if f.UncompressedSize64 != uint64(want) {
			return nil, fmt.Errorf("storage %s has %d bytes, not %d", s.key, f.UncompressedSize64, want)
		}
		if budget -= want; budget < 0 {
			return nil, errors.New("the archive's files overlap")
		}
		return readEntry(f, want)
	}}, nil
}

// otherArchive returns an error for an archive that torch.save did not write. folder
// is the folder of the pickle if found is set.
func otherArchive(files []*zip.File, folder string, found bool) error {
	var names []string
	arrays := 0
	for _, f := range files {
		rest, inside := strings.CutPrefix(f.Name, folder)
		switch {
		case found && inside && (rest == "constants.pkl" || strings.HasPrefix(rest, "code/")):
			return errors.New("it is a TorchScript archive; in Python, save torch.jit.load(FILE).state_dict()")
		case strings.HasSuffix(f.Name, "archive_format"):
			return errors.New("it is an archive of torch.export; in Python, save model.state_dict()")
		case strings.HasSuffix(f.Name, ".weights.h5"):
			return errors.New("it is a Keras model; networks are read from PyTorch's files and safetensors")
		case strings.HasSuffix(f.Name, ".npy"):
			arrays++
		}
		if len(names) < 3 {
			names = append(names, f.Name)
		}
	}
	switch {
	case found:
		return nil
	case arrays > 0 && arrays == len(files):
		return errors.New("it is a NumPy archive (.npz); in Python, save torch.from_numpy of each array by torch.save")
	}
	return fmt.Errorf("the archive has no data.pkl, so torch.save has not written it; it holds %s: unpack it, and name the file of weights in it", strings.Join(names, ", "))
}

// readEntry reads a file of the archive, and verifies its checksum.
func readEntry(f *zip.File, limit int64) ([]byte, error) {
	if f.Method != zip.Store {
		return nil, fmt.Errorf("%s is compressed (deflated), and torch.save never compresses; load the file in Python and save it again", f.Name)
	}
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%s has %d bytes, %d at most", f.Name, f.UncompressedSize64, limit)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	defer in.Close()
	// Read one byte more than the file has, to reach its end and thereby its checksum.
	b := make([]byte, f.UncompressedSize64+1)
	n, err := io.ReadFull(in, b)
	if err != io.ErrUnexpectedEOF && err != io.EOF || uint64(n) != f.UncompressedSize64 {
		if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
			err = errors.New("it is damaged or incomplete")
		}
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return b[:n:n], nil
}

// openLegacy reads the consecutive pickles of the older format:
//
//	the magic number, the version, a dict of the machine's properties
//	the value
//	the list of the storages' keys
//
// After them, it has for each key the number of elements, 8 bytes, and the elements.
func openLegacy(r io.ReaderAt, size int64) (*archive, error) {
	head, err := readAt(r, 0, min(size, maxPickle))
	if err != nil {
		return nil, err
	}
	storages := map[string]*storage{}
	at := len(legacyMagic)
	next := func() (any, error) {
		v, n, err := run(head[at:], storages)
		at += n
		return v, err
	}
	version, err := next()
	if err != nil {
		return nil, err
	}
	if version != int64(legacyVersion) {
		return nil, fmt.Errorf("version %v of torch.save's older form is unknown", version)
	}
	machine, err := next()
	if err != nil {
		return nil, err
	}
	if d, ok := machine.(*dict); ok && d.get("little_endian") == false {
		return nil, errors.New("it comes from a big-endian machine; only little-endian files are read")
	}
	root, err := next()
	if err != nil {
		return nil, err
	}
	keys, err := next()
	if err != nil {
		return nil, err
	}
	places, err := locate(r, size, int64(at), keys, storages)
	if err != nil {
		return nil, err
	}
	return &archive{root: root, size: size, storage: func(s *storage) ([]byte, error) {
		start, ok := places[s.key]
		if !ok {
			return nil, fmt.Errorf("the file has no storage %q", s.key)
		}
		return readAt(r, start, int64(s.elements)*int64(s.dtype.Size()))
	}}, nil
}

// locate finds the storages after the pickles of a legacy file.
func locate(r io.ReaderAt, size, at int64, keys any, storages map[string]*storage) (map[string]int64, error) {
	l, ok := keys.(*list)
	if !ok {
		return nil, errors.New("the list of its storages is missing")
	}
	places := make(map[string]int64, len(l.items))
	for _, item := range l.items {
		key, _ := item.(string)
		s := storages[key]
		if s == nil {
			return nil, fmt.Errorf("storage %q belongs to no tensor", key)
		}
		if places[key] != 0 {
			return nil, fmt.Errorf("storage %s appears twice", key)
		}
		count, err := readAt(r, at, 8)
		if err != nil {
			return nil, errors.New("the file is incomplete")
		}
		bytes := int64(s.elements) * int64(s.dtype.Size())
		if n := uint64At(count); n != uint64(s.elements) {
			return nil, fmt.Errorf("storage %s has %d elements, not %d", key, n, s.elements)
		}
		if at += 8; bytes > size-at {
			return nil, errors.New("the file is incomplete")
		}
		places[key] = at
		at += bytes
	}
	return places, nil
}
