package weightfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/deploy-kernel/deploy-kernel/artifact/pth"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
)

// sniffed is the number of bytes read to recognize a file. A tar archive has its mark
// at 257.
const sniffed = 512

// holdsWeights reports whether the content is a safetensors or a PyTorch file. A zip
// archive without a pickle is neither.
func holdsWeights(r io.ReaderAt, size int64) bool {
	start, err := startOf(r, size)
	if err != nil {
		return false
	}
	if !bytes.HasPrefix(start, []byte("PK\x03\x04")) {
		return pth.Recognize(start) || isSafetensors(start, size)
	}
	z, err := zip.NewReader(r, size)
	return err == nil && slices.ContainsFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, "data.pkl") })
}

// startOf returns the first bytes of a file.
func startOf(r io.ReaderAt, size int64) ([]byte, error) {
	start := make([]byte, min(size, sniffed))
	n, err := r.ReadAt(start, 0)
	if n < len(start) && err != nil && err != io.EOF {
		return nil, err
	}
	return start[:n], nil
}

// isSafetensors reports whether a file begins with the length of a header and the
// brace of its JSON.
func isSafetensors(start []byte, size int64) bool {
	return len(start) >= 9 && start[8] == '{' && binary.LittleEndian.Uint64(start) <= uint64(max(size, 1<<27))
}

// magics are the first bytes of files that users mistake for weights.
var magics = []struct{ start, what string }{
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file that it stands for; fetch it by `git lfs pull`, or download it from the page of the repository"},
	{"version https://hawser.github.com/spec/", "a Git LFS pointer, not the file that it stands for; fetch it by `git lfs pull`"},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes (.h5); networks are read from PyTorch's files and safetensors"},
	{"\x93NUMPY", "a NumPy array (.npy), not a state dict; in Python, save the whole state dict by torch.save"},
	{"\x1f\x8b", "compressed by gzip; unpack it first (gunzip, or tar -xzf)"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first (unzstd)"},
	{"\xfd7zXZ\x00", "compressed by xz; unpack it first (unxz, or tar -xJf)"},
	{"BZh", "compressed by bzip2; unpack it first (bunzip2, or tar -xjf)"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"},
	{"Rar!\x1a\x07", "a RAR archive; unpack it first"},
	{"GGUF", "a GGUF file of llama.cpp; networks are read from PyTorch's files and safetensors"},
	{"\x89PNG\r\n", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"%PDF-", "a PDF document"},
	{"\x00\x05\x16\x07", "macOS's notes on another file (its name begins with ._); name that file"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"PK\x05\x06", "an empty zip archive"},
}

// ErrONNX is returned for ONNX models, which hold a network of their own. Package
// importer opens them.
var ErrONNX = errors.New("an ONNX model, not a file of weights")

// otherKind returns an error that says what a file is, if it is not weights.
func otherKind(r io.ReaderAt, size int64) error {
	start, err := startOf(r, size)
	switch {
	case err != nil:
		return err
	case size == 0:
		return errors.New("the file is empty; copy or download it again")
	case len(bytes.Trim(start, "\x00")) == 0:
		return errors.New("the file begins with zero bytes alone, as a download that was cut off does; download it again")
	}
	for _, m := range magics {
		if bytes.HasPrefix(start, []byte(m.start)) {
			return errors.New(m.what)
		}
	}
	text := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(string(start), "\ufeff"), " \t\r\n"))
	switch {
	case strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html") || strings.HasPrefix(text, "<head"):
		return errors.New("a web page (HTML), such as of a login or an error; download the file itself again")
	case strings.HasPrefix(text, "<"):
		return errors.New("an XML or HTML text, not a file of weights; download the file itself again")
	case len(start) > 262 && string(start[257:262]) == "ustar":
		return tarKind(start)
	case len(start) > 8 && string(start[4:8]) == "TFL3":
		return errors.New("a TensorFlow Lite model; networks are read from PyTorch's files and safetensors")
	case isTensorFlowIndex(r, size):
		return errors.New("the index of a TensorFlow checkpoint; networks are read from PyTorch's files and safetensors")
	case start[0] == 0x80 && len(start) > 1 && start[1] >= 2 && start[1] <= 5:
		return errors.New("a pickle that torch.save did not write; in Python, load it and save its state dict by torch.save")
	case start[0] == 0x08 && len(start) > 2 && start[1] == 1 && start[2] == 0x12:
		return errors.New("a TensorFlow SavedModel; networks are read from PyTorch's files and safetensors")
	case start[0] == 0x08 && len(start) > 2 && start[1] >= 2 && start[1] < 32 && (start[2] == 0x12 || start[2] == 0x3a || start[2] == 0x42):
		return hint.New(ErrONNX, "`infer import` makes weights of it")
	case isText(start):
		line, _, _ := strings.Cut(strings.TrimSpace(string(start)), "\n")
		return fmt.Errorf("a text that begins with %.40q, not a file of weights; download it again", strings.TrimSpace(line))
	}
	return errors.New("neither a safetensors file nor one of PyTorch's")
}

// tarKind returns an error that says what a tar archive is.
func tarKind(start []byte) error {
	name, _, _ := strings.Cut(string(start[:100]), "\x00")
	switch strings.TrimPrefix(name, "./") {
	case "sys_info", "pickle", "tensors", "storages":
		return errors.New("written by PyTorch before version 0.1.10, as a tar archive; load it in Python and save it again by torch.save")
	}
	if strings.Contains(name, "PaxHeader") { // notes on the first file
		return errors.New("a tar archive; unpack it first (tar -xf)")
	}
	return fmt.Errorf("a tar archive, whose first file is %q; unpack it first (tar -xf)", name)
}

// isTensorFlowIndex reports whether a file ends with the mark of a TensorFlow table.
func isTensorFlowIndex(r io.ReaderAt, size int64) bool {
	var end [8]byte
	if size < 48 {
		return false
	}
	_, err := r.ReadAt(end[:], size-8)
	return err == nil && binary.LittleEndian.Uint64(end[:]) == 0xdb4775248b80fb57
}

// isText reports whether b is UTF-8 without control characters. Its last character
// may be cut.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 && len(b) >= utf8.UTFMax || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
		b = b[n:]
	}
	return true
}
