// Package kernel computes the inner loops of networks, on the widest registers
// that the CPU has.
//
//	set, err := kernel.Select(os.Getenv(kernel.Variable))
//	set.GEMM(&job)
//
// A [Set] is one way of computing: "avx512", "avx2" or "scalar". All sets take
// the same data: activations are NHWC with pixels of a multiple of [Lanes]
// channels, weights are packed once in panels of Set.Panel columns. The scalar
// set is the definition of every kernel, and the fallback on other CPUs and in
// builds without GOEXPERIMENT=simd.
//
// The unrolled kernels are written by gen.go: go generate ./runtime/kernel.
//
// Kernels read up to [Slack] values behind the last one they use, so slices
// handed to them must be that much longer.
//
//go:generate go run gen.go
package kernel

import (
	"fmt"
	"math"
	"strings"
)

const (
	// Lanes is what channels are padded to: the floats of the widest register.
	Lanes = 16
	// Rows is the number of pixels that a GEMM tile has.
	Rows = 5
	// Slack is how far behind the data a kernel may read.
	Slack = 32
	// Variable is the environment variable that forces a set.
	Variable = "DEPLOY_KERNEL_SIMD"
)

// Set is one way of computing every kernel. Vectors have the lengths of their
// destination, a multiple of Lanes.
type Set struct {
	// Name is "avx512", "avx2" or "scalar".
	Name string
	// Panel is the number of columns of a packed panel of weights.
	Panel int
	// GEMM multiplies rows of pixels by one panel of weights.
	GEMM func(g *GEMM)
	// HalfGEMM is GEMM for a panel of Lanes columns: the last one where the
	// columns are no multiple of Panel.
	HalfGEMM func(g *GEMM)
	// Depthwise convolves each channel with weights of its own.
	Depthwise func(d *Depthwise)
	// Affine is y = max(x*scale + shift, floor).
	Affine func(y, x, scale, shift []float32, floor float32)
	// AddScaled is y = max(a + factor*b, floor).
	AddScaled func(y, a, b []float32, factor, floor float32)
	// Max is y = max(y, x).
	Max func(y, x []float32)
}

// None is the floor that leaves every value as it is; a floor of 0 is ReLU.
var None = float32(math.Inf(-1))

// Sets lists the sets that this CPU can run, fastest first.
func Sets() []*Set { return append(vectorSets(), Scalar) }

// Select returns the set of that name, or the fastest one where name is empty.
func Select(name string) (*Set, error) {
	sets := Sets()
	if name == "" {
		return sets[0], nil
	}
	names := make([]string, len(sets))
	for i, s := range sets {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return nil, fmt.Errorf("%s=%s: this CPU and build have %s", Variable, name, strings.Join(names, ", "))
}

// Segment is a run of values that follow one another in each pixel row: the
// input channels of one tap, or of several that lie side by side.
type Segment struct {
	// Offset is where the run begins, counted from the pixel's place in In.
	Offset int
	// K is its length, a multiple of Lanes.
	K int
}

// GEMM is one job of Set.GEMM: for each pixel p of Pixels, and each column j
// of a panel,
//
//	y = Start + sum over segments s and k < s.K of X[In[p]+s.Offset+k] * W[..][j]
//	Y[Out[p]+j] = max(y, Floor)
//
// where Start is Y[Out[p]+j] itself if Accumulate is set, and else Bias[j],
// plus Residual[ResidualAt[p]+j] where there is one. Pixels are taken five at a
// time: the tables have entries for full tiles, of which doubled ones at the
// end do no harm.
type GEMM struct {
	X, W, Y    []float32
	Segments   []Segment
	In, Out    []int32
	First, End int // pixels
	Accumulate bool
	Bias       []float32
	Residual   []float32
	ResidualAt []int32
	Floor      float32
}

// Depthwise is one job of Set.Depthwise: a row of Pixels output pixels, each of
// Channels values,
//
//	Y[p*YStep+c] = max(Bias[c] + sum over taps t of X[p*XStep+Taps[t]+c] * W[t*Channels+c], Floor)
type Depthwise struct {
	X, W, Y, Bias    []float32
	Taps             []int
	Channels, Pixels int
	XStep, YStep     int
	Floor            float32
}
