package weightfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const indexExt = ".index.json"

// Extensions lists the usual extensions of files that Open reads, the most likely
// first. Open reads files with any other extension, too: the content decides. Package
// importer opens ONNX models.
var Extensions = [...]string{
	".safetensors", ".safetensors" + indexExt, ".pth", ".pt", ".th", ".pth.tar", ".pt.tar", ".ckpt", ".bin", ".bin" + indexExt, ".tar", ".pkl", ".model", ".onnx",
}

// distinct lists the extensions that only weights have.
var distinct = [...]string{".safetensors", ".safetensors" + indexExt, ".pth", ".pt", ".th", ".pth.tar", ".pt.tar", ".ckpt", ".bin" + indexExt}

// ModelName returns the name of the model whose weights are at path: the last element
// of path without its extension and ".enc".
func ModelName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".enc")
	if ext := extension(name, Extensions[:]); ext != "" {
		return name[:len(name)-len(ext)]
	}
	return name
}

// extension returns the longest of the endings that a name has, in the spelling of
// the name, or "" if it has none.
func extension(name string, endings []string) string {
	n := 0
	for _, ext := range endings {
		if len(ext) > n && len(name) > len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext) {
			n = len(ext)
		}
	}
	return name[len(name)-n:]
}

// Named reports whether the name alone shows that a file holds weights. It is false
// for parts of sharded weights, and true for their index.
func Named(path string) bool {
	return extension(filepath.Base(path), distinct[:]) != "" && shardIndex(path) == ""
}

// IsWeights reports whether a file holds weights, by its name or its content. It
// never opens a pipe, because closing it again would stop the pipe's writer.
func IsWeights(path string) bool {
	if Named(path) {
		return true
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return holdsWeights(f, info.Size())
}

// Rank ranks a file name as that of the weights of a model; 0 is the most likely. ok
// is false for the file of another model, and for an extension of other files.
func Rank(name, model string) (rank int, ok bool) {
	rest, ok := strings.CutPrefix(name, model)
	if !ok {
		return 0, false
	}
	for i, ext := range Extensions {
		if rest == ext {
			return i, true
		}
		if strings.EqualFold(rest, ext) {
			return len(Extensions) + i, true
		}
	}
	if rest == "" {
		return 2 * len(Extensions), true
	}
	if rest[0] != '.' || strings.Count(rest, ".") > 1 || slices.Contains(others[:], strings.ToLower(rest)) {
		return 0, false
	}
	return 2*len(Extensions) + 1, true
}

// others lists the extensions of files beside weights that hold none.
var others = [...]string{".yml", ".yaml", ".npy", ".npz", ".csv", ".json", ".jsonl", ".txt", ".md", ".log", ".png", ".jpg", ".svg", ".enc", ".key", ".py", ".go", ".sh", ".tmp", ".part", ".sha256", ".zip"}
