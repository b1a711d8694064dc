// Package golden provides reference values for tests and benchmarks. A recipe makes
// weights from tensor names, and inputs from numbers. PyTorch 1.13 and Pillow 9.4
// computed the reference outputs.
package golden

import (
	"embed"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// FS holds the reference outputs, testdata/arch/<arch>.json and
// testdata/arch/<arch>.logits.npy, and others below testdata.
//
//go:embed testdata
var FS embed.FS

// Uniform returns element i of the stream called name: 24 bits of
// SplitMix64 seeded by the FNV-1a hash of the name, as a float64 in [-1, 1).
func Uniform(name string, i int) float64 {
	return uniform(seed(name), i)
}

func seed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// uniform is SplitMix64 (Steele, Lea, Flood 2014, figure 16). The state follows from the
// index, so elements can be computed in any order.
func uniform(seed uint64, i int) float64 {
	x := seed + (uint64(i)+1)*0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	x ^= x >> 31
	return float64(x>>40)/(1<<23) - 1
}

// Tensor returns the recipe's values of a state-dict tensor in C order.
func Tensor(name string, shape ...int) []float32 {
	n, fan := 1, 1
	for i, d := range shape {
		n *= d
		if i > 0 {
			fan *= d
		}
	}
	name = strings.TrimPrefix(name, "module.")
	value := func(u float64) float64 { return 1 + 0.1*u }
	switch last := name[strings.LastIndexByte(name, '.')+1:]; {
	case last == "num_batches_tracked":
		return make([]float32, n)
	case last == "running_mean", last == "bias":
		value = func(u float64) float64 { return 0.1 * u }
	case last == "running_var":
		value = func(u float64) float64 { return 1 + 0.25*u }
	case len(shape) >= 2:
		bound := math.Sqrt(3 / float64(fan))
		value = func(u float64) float64 { return u * bound * 1.1 }
	}
	s := seed(name)
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(value(uniform(s, i)))
	}
	return out
}

// Images returns the recipe's input batch of shape (n, 3, h, w): blocks of cell x cell
// pixels plus noise.
func Images(n, h, w, cell int) []float32 {
	blocksH, blocksW := (h+cell-1)/cell, (w+cell-1)/cell
	block, noise := seed("input.block"), seed("input.noise")
	out := make([]float32, n*3*h*w)
	for i := range out {
		x, y, plane := i%w, i/w%h, i/(w*h)
		b := uniform(block, (plane*blocksH+y/cell)*blocksW+x/cell)
		out[i] = float32(2*b + 0.5*uniform(noise, i))
	}
	return out
}

// Shared returns the path of a file of the large reference data, in ../shared beside the
// repository or in $DEPLOY_KERNEL_SHARED. It skips the test if the file is missing.
func Shared(tb testing.TB, path string) string {
	tb.Helper()
	root := os.Getenv("DEPLOY_KERNEL_SHARED")
	if root == "" {
		_, here, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared")
	}
	full := filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(full); err != nil {
		tb.Skipf("the large reference data is missing: %s (set DEPLOY_KERNEL_SHARED)", full)
	}
	return full
}
