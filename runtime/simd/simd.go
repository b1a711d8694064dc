// Package simd holds the inner loops of networks as SIMD routines.
//
//	set, err := simd.Select(os.Getenv(simd.Variable))
//	set.GEMM(&job)
//
// A [Set] implements every routine for one instruction set: "avx512", "avx2" or
// "scalar". All sets take the same data. The scalar set defines the results; it
// also serves other CPUs, and systems that deny executable memory.
//
// The routines of the other sets are machine code, which the program generates for
// the shapes that it needs; see package machinecode.
//
// Activations lie in planes of [Lanes] channels. A plane consists of rows of
// pixels, and a pixel of Lanes values. Weights are packed once, in panels of
// columns, where a column is an output channel.
//
// Routines read and write only what their job names. Jobs name whole Lanes: the rows
// of a window in an input of few channels reach up to [Slack] values past its end.
package simd

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

const (
	// Lanes is the number of channels in a plane, and of float32 values in the
	// widest register.
	Lanes = 16
	// Slack is the number of values that a job may name past the end of an input.
	Slack = 32
	// Variable is the environment variable that names the set to use.
	Variable = emit.Variable
)

// Set is the implementation of every routine for one instruction set. Slices
// without a stated length are as long as the destination, a multiple of Lanes. A
// Set is immutable; its routines may run concurrently on different jobs.
type Set struct {
	// Name is "avx512", "avx2" or "scalar".
	Name string
	// Panel is the number of columns in a packed panel of weights.
	Panel int
	// FastProducts reports whether products take so little time on this CPU that
	// saving some of them by sums of matrices (Strassen's algorithm) loses.
	FastProducts bool
	// L2 is the size in bytes of a core's second-level cache.
	L2 int
	// GEMM multiplies rows of pixels by one panel of weights.
	GEMM func(g *GEMM)
	// HalfGEMM is GEMM for a panel of Lanes columns. It computes the last panel
	// when Panel does not divide the number of columns.
	HalfGEMM func(g *GEMM)
	// Depthwise convolves each channel with its own window.
	Depthwise func(d *Windows)
	// MaxPool computes the maximum of each window.
	MaxPool func(d *Windows)
	// Grouped convolves groups of 4, 8 or 16 channels.
	Grouped func(d *Grouped)
	// ToWinograd and FromWinograd transform the input and the output of
	// convolutions by Winograd's F(4,3), in one dimension; see [Transform].
	ToWinograd, FromWinograd func(t *Transform)
	// Affine computes y = max(x*scale + shift, floor).
	Affine func(y, x, scale, shift []float32, floor float32)
	// AddScaled computes y = max(a + factor*b, floor).
	AddScaled func(y, a, b []float32, factor, floor float32)
	// Gather packs the values of pixels contiguously, across planes.
	Gather func(g *Gather)
	// Strassen packs pixels like Gather, and computes the sums of blocks that
	// Strassen's algorithm multiplies.
	Strassen func(s *Strassen)
	// Max computes y = max(y, x).
	Max func(y, x []float32)
	// Scale is Affine on pixels: scale and shift have Lanes values.
	Scale func(y, x, scale, shift []float32, floor float32)
	// Gate computes y = max(x*gate + res, floor) on pixels. The gate has Lanes
	// values, one per channel.
	Gate func(y, x, gate, res []float32, floor float32)
	// GatePixels is Gate with one factor per pixel: the first value of each
	// pixel in gate.
	GatePixels func(y, x, gate, res []float32, floor float32)
	// Sigmoid computes y = 1/(1+exp(-x)), with an error of at most 2e-7.
	Sigmoid func(y, x []float32)
	// Sum adds every pixel of x to the single pixel y.
	Sum func(y, x []float32)
	// Peak computes the maximum of y, a single pixel, and every pixel of x.
	Peak func(y, x []float32)
	// LayerNorm normalizes the channels of each pixel, and Softmax turns them into
	// shares of 1; see [Across].
	LayerNorm, Softmax func(a *Across)

	activations *activationRoutines // nil for the scalar set
}

// None is the floor that changes no value. A floor of 0 is a ReLU.
var None = float32(math.Inf(-1))

// Sets returns the sets that this CPU can run, fastest first. The last one is
// [Scalar].
func Sets() []*Set {
	sets, _ := generatedSets()
	return append(slices.Clip(sets), Scalar)
}

// Select returns the set with this name, or the fastest set if name is empty. It
// returns an error that lists the available sets if this one is not among them.
func Select(name string) (*Set, error) {
	return emit.Select(Sets(), func(s *Set) string { return s.Name }, name)
}

// Segment is a contiguous run of input values of each pixel: the input channels
// of one tap of a window, or of adjacent taps.
type Segment struct {
	// Offset is the run's start, relative to the pixel's entry in GEMM.In.
	Offset int
	// K is the number of values.
	K int
}

// GEMM is one job of Set.GEMM: it multiplies pixels by a panel of weights. For
// each pixel p from First to End-1, and each column j of the panel,
//
//	y = Start + sum over segments s and k < s.K of X[In[p]+s.Offset+at(k,XStep)] * W[..][j]
//	Y[Out[p]+at(j,YStep)] = max(y, Floor)
//
// where at(i,step) = i/Lanes*step + i%Lanes. A step is the number of values from
// one plane's Lanes values to the next plane's; 0 means that they are contiguous.
//
// Start is the sum of Bias[j], Partials[i][p*Lanes+at(j,PartialStep)] and
// Residual[ResidualAt[p]+at(j,ResidualStep)]. Partials and Residual may be nil. If
// Accumulate is set, Start is 0 and the old value of Y[..] is added at the end.
// Adding sums of blocks has a smaller rounding error than one long sum.
//
// Without segments, y is Start.
type GEMM struct {
	X, W, Y      []float32
	XStep, YStep int
	Segments     []Segment
	In, Out      []int32
	First, End   int // pixels
	Accumulate   bool
	Bias         []float32
	Partials     [2][]float32 // the second only beside the first
	PartialStep  int
	Residual     []float32
	ResidualAt   []int32
	ResidualStep int
	Floor        float32
	// Ahead holds the weights of the next job, or nothing. The routine may prefetch
	// them.
	Ahead []float32

	// What generated code keeps here: the next pixel and the remaining tiles, steps
	// in bytes, addresses of the current tile's inputs and the segments' end, and the
	// next weights to prefetch.
	tile, tiles                                        int
	stepX, stepY, stepPartial, stepResidual, stepPixel int
	tileX, segmentsEnd                                 uintptr
	ahead                                              *float32
}

// step returns the distance of consecutive planes' values; 0 means contiguous.
func step(n int) int {
	if n == 0 {
		return Lanes
	}
	return n
}

// Gather is one job of Set.Gather: it packs the values of Pixels pixels, one
// after the other, from planes that lie XStep values apart,
//
//	Y[p*YPixel+i] = X[At[p]+at(i,XStep)], i < Planes*Lanes
//
// with at as in [GEMM]. If Scale is not nil, it packs max(x*s + Shift[i], Floor) of each
// value x instead, where s is Scale[at(i,ScaleStep)].
type Gather struct {
	X, Y           []float32
	At             []int32
	XStep, YPixel  int
	Pixels, Planes int
	Scale, Shift   []float32
	ScaleStep      int
	Floor          float32

	// What generated code keeps here: addresses for the current plane.
	scale, shift uintptr
}

// Strassen is one job of Set.Strassen: it packs pixels like [Gather], as seven
// matrices of Pixels rows of YPixel values. The matrices begin YStep values apart:
//
//	a11, a12, a22, s1 = a21+a22, s2 = s1-a11, s3 = a11-a21, s4 = a12-s2
//
// a11 and a12 are the pixels at Upper, a21 and a22 those at Lower. The first Left
// planes belong to a11 and a21, the next Right planes to a12 and a22. Right is
// Left or Left-1. If it is Left-1, the right matrices' last plane counts as 0,
// and the routine does not write it to a12, a22 and s4.
type Strassen struct {
	X, Y          []float32
	Upper, Lower  []int32
	XStep         int
	YPixel, YStep int
	Pixels        int
	Left, Right   int // planes
}

// Windows is one job of Set.Depthwise on a row of pixels in one plane,
//
//	Y[p,c] = max(Bias[c] + sum over r < Rows, t < Cols of
//	    X[r*Row + (p*Stride+t),c] * W[r,t,c], Floor)
//
// or of Set.MaxPool,
//
//	Y[p,c] = max over r < Rows, t < Cols of X[r*Row + (p*Stride+t),c]
//
// where c < Lanes is the channel. Set.MaxPool ignores W, Bias and Floor.
type Windows struct {
	X, Y, W, Bias []float32
	Row           int // values from one row of X to the next
	Rows, Cols    int
	Pixels        int
	Stride        int // pixels
	Floor         float32

	form rowForm // of code
	code func(*Windows)
}

// Grouped is one job of Set.Grouped on a row of pixels in one plane. The plane's
// channels form groups of Channels (4, 8 or 16) inputs and as many outputs,
//
//	Y[p,c] = max(Bias[c] + sum over r < Rows, i < Channels, t < 3 of
//	    X[r*Row + (p*Stride+t), c/Channels*Channels+i] * W[r,i,t,c], Floor)
type Grouped struct {
	X, Y, W, Bias []float32
	Row           int // values from one row of X to the next
	Rows          int
	Channels      int
	Pixels        int
	Stride        int // pixels
	Floor         float32

	form rowForm // of code
	code func(*Grouped)
}

// Transform is one job of Set.ToWinograd or Set.FromWinograd, the transforms of
// F(4,3) in Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks"
// (arXiv 1509.09308), section 4.2. ToWinograd turns 6 pixels di = X[i*XStep] into
//
//	Y[i*YStep] = 4*d0 - 5*d2 + d4, (d4-4*d2) + (d3-4*d1), (d4-4*d2) - (d3-4*d1),
//	    (d4-d2) + 2*(d3-d1), (d4-d2) - 2*(d3-d1), 4*d1 - 5*d3 + d5
//
// FromWinograd turns 6 products di into 4 pixels,
//
//	Y[i*YStep] = max(r + Bias + Residual[i*ResidualStep], Floor),
//	r = d0+d1+d2+d3+d4, d1-d2 + 2*(d3-d4), d1+d2 + 4*(d3+d4), d1-d2 + 8*(d3-d4) + d5
//
// where Bias and Residual may be nil. A job does this Count times; each time X, Y
// and Residual begin XNext, YNext and ResidualNext values later.
type Transform struct {
	X, Y, Bias, Residual              []float32
	XStep, XNext, YStep, YNext        int
	ResidualStep, ResidualNext, Count int
	Floor                             float32
}
