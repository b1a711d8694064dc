package weightfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const indexExt = ".index.json"

// Extensions are the usual endings of files that Open reads, the likeliest
// first. It reads files of any other, too: the content decides.
var Extensions = [...]string{
	".safetensors", ".safetensors" + indexExt, ".pth", ".pt", ".th", ".pth.tar", ".pt.tar", ".ckpt", ".bin", ".bin" + indexExt, ".tar", ".pkl", ".model",
}

// distinct are the endings that only weights have.
var distinct = [...]string{".safetensors", ".safetensors" + indexExt, ".pth", ".pt", ".th", ".pth.tar", ".pt.tar", ".ckpt", ".bin" + indexExt}

// ModelName returns the name of the model that a path of weights is of: its
// last element, without extension (and without ".enc").
func ModelName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".enc")
	if ext := extension(name, Extensions[:]); ext != "" {
		return name[:len(name)-len(ext)]
	}
	return name
}

// extension returns the longest of the endings that a name has, as the name
// spells it, "" where it has none.
func extension(name string, endings []string) string {
	n := 0
	for _, ext := range endings {
		if len(ext) > n && len(name) > len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext) {
			n = len(ext)
		}
	}
	return name[len(name)-n:]
}

// Named reports whether a file is one of weights by its name alone. The parts of
// sharded weights are not: their index is.
func Named(path string) bool {
	return extension(filepath.Base(path), distinct[:]) != "" && shardIndex(path) == ""
}

// IsWeights reports whether a file is one of weights, by its name or its content.
// It does not open a pipe, whose writer would see the end of it.
func IsWeights(path string) bool {
	if Named(path) {
		return true
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && formOf(f, info.Size()) != formOther
}

// Rank orders the files that may hold the weights of a model by their names: 0
// for the most likely one. ok is false for a file that is not the model's, or
// whose ending is of something else.
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

// others are endings of files that lie beside weights and are none.
var others = [...]string{".yml", ".yaml", ".npy", ".npz", ".csv", ".json", ".jsonl", ".txt", ".md", ".log", ".png", ".jpg", ".svg", ".enc", ".key", ".py", ".go", ".sh", ".onnx", ".tmp", ".part", ".sha256", ".zip"}
