// Package simd computes the inner loops of networks, on the widest registers
// that the CPU has.
//
//	set, err := simd.Select(os.Getenv(simd.Variable))
//	set.GEMM(&job)
//
// A [Set] is one way of computing: "avx512", "avx2" or "scalar". All sets take
// the same data. Activations lie in planes of [Lanes] channels: a plane is
// rows of pixels, a pixel is Lanes values. Weights are packed once. The scalar
// set is the definition of every routine, and the fallback on other CPUs and in
// builds without GOEXPERIMENT=simd.
//
// The unrolled routines are written by gen.go: go generate ./runtime/simd.
//
// Routines read up to [Slack] values behind the last one they use, so slices
// handed to them must be that much longer.
//
//go:generate go run gen.go
package simd

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// Lanes is the number of channels of a plane: the floats of the widest
	// register.
	Lanes = 16
	// Rows is the number of pixels that a GEMM tile has.
	Rows = 5
	// Slack is how far behind the data a routine may read.
	Slack = 32
	// Variable is the environment variable that forces a set.
	Variable = "DEPLOY_KERNEL_SIMD"
)

// Set is one way of computing every routine. Vectors have the lengths of their
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
	Depthwise func(d *Windows)
	// MaxPool takes the maximum over windows.
	MaxPool func(d *Windows)
	// Grouped convolves small groups of channels.
	Grouped func(d *Grouped)
	// ToWinograd and FromWinograd are the transformations of input and output of
	// convolutions over 3 pixels, which give 4 outputs at once.
	ToWinograd, FromWinograd func(t *Transform)
	// Affine is y = max(x*scale + shift, floor).
	Affine func(y, x, scale, shift []float32, floor float32)
	// AddScaled is y = max(a + factor*b, floor).
	AddScaled func(y, a, b []float32, factor, floor float32)
	// Gather brings the values of pixels together.
	Gather func(g *Gather)
	// Strassen brings those of the factors of Strassen's products together.
	Strassen func(s *Strassen)
	// Max is y = max(y, x).
	Max func(y, x []float32)
	// Scale is Affine on pixels, with Lanes factors for all of them.
	Scale func(y, x, scale, shift []float32, floor float32)
	// Gate is y = max(x*gate + res, floor) on pixels, with Lanes gates for all
	// of them.
	Gate func(y, x, gate, res []float32, floor float32)
	// GatePixels is Gate with one gate for all channels of a pixel: the first
	// value of the pixel of gate.
	GatePixels func(y, x, gate, res []float32, floor float32)
	// Sigmoid is y = 1/(1+exp(-x)), within 2e-7.
	Sigmoid func(y, x []float32)
	// Sum adds all pixels of x to the one of y.
	Sum func(y, x []float32)
	// Peak is the maximum of all pixels of x and the one of y.
	Peak func(y, x []float32)
}

// None is the floor that leaves every value as it is; a floor of 0 is ReLU.
var None = float32(math.Inf(-1))

// Sets lists the sets that this CPU can run, fastest first.
func Sets() []*Set { return append(slices.Clip(vectorSets()), Scalar) }

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

// Segment is a run of input values of each pixel: the input channels of one
// tap, or of several that lie side by side.
type Segment struct {
	// Offset is where the run begins, counted from the pixel's place in In.
	Offset int
	// K is its length, a multiple of Lanes.
	K int
}

// GEMM is one job of Set.GEMM: for each pixel p of First to End, and each
// column j of a panel,
//
//	y = Start + sum over segments s and k < s.K of X[In[p]+s.Offset+at(k,XStep)] * W[..][j]
//	Y[Out[p]+at(j,YStep)] = max(y, Floor)
//
// where at(i,step) = i/Lanes*step + i%Lanes: step is the floats from Lanes
// values to the next ones, and 0 means that they lie side by side. Start is
// Bias[j], plus Partials[i][p*Lanes+at(j,PartialStep)] and
// Residual[ResidualAt[p]+at(j,ResidualStep)] where they are; if Accumulate is
// set it is 0, and Y[..] itself is added to the sum at the end, which leaves a
// smaller error than a longer sum would. Pixels are taken Rows at a time: the
// tables have entries for full tiles, of which doubled ones at the end do no
// harm. Without segments, Y is the start alone.
type GEMM struct {
	X, W, Y      []float32
	XStep, YStep int
	Segments     []Segment
	In, Out      []int32
	First, End   int // pixels
	Accumulate   bool
	Bias         []float32
	Partials     [2][]float32 // none, the first or both
	PartialStep  int
	Residual     []float32
	ResidualAt   []int32
	ResidualStep int
	Floor        float32
}

// step returns the floats from Lanes values to the next ones.
func step(n int) int {
	if n == 0 {
		return Lanes
	}
	return n
}

// Gather is one job of Set.Gather: the values of each pixel p < Pixels, from
// planes XStep floats apart, side by side,
//
//	Y[p*YPixel+i] = X[At[p]+at(i,XStep)], i < Planes*Lanes
type Gather struct {
	X, Y           []float32
	At             []int32
	XStep, YPixel  int
	Pixels, Planes int
}

// Strassen is one job of Set.Strassen: as Gather does, it brings the values of
// pixels side by side, those of seven matrices of Pixels x YPixel, YStep floats
// apart. With a11 and a12 the values of the pixels at Upper, from the planes of
// Left and from those of Right behind them, and a21 and a22 those of the pixels
// at Lower, the matrices are
//
//	a11, a12, a22, s1 = a21+a22, s2 = s1-a11, s3 = a11-a21, s4 = a12-s2
//
// Right is Left or one less; then the values of its last plane are 0, and are not
// written.
type Strassen struct {
	X, Y          []float32
	Upper, Lower  []int32
	XStep         int
	YPixel, YStep int
	Pixels        int
	Left, Right   int // planes
}

// Windows is one job of Set.Depthwise: a row of pixels of one plane,
//
//	Y[p,c] = max(Bias[c] + sum over r < Rows, t < Cols of
//	    X[r*Row + (p*Stride+t),c] * W[r,t,c], Floor)
//
// or of Set.MaxPool,
//
//	Y[p,c] = max over r < Rows, t < Cols of X[r*Row + (p*Stride+t),c]
//
// where a pixel has Lanes values.
type Windows struct {
	X, Y, W, Bias []float32
	Row           int // floats from a row of input to the next one
	Rows, Cols    int
	// Tiles are the numbers of pixels to be computed at once; see Tile.
	Tiles  []uint8
	Stride int // pixels, 1 or 2
	Floor  float32
	fence  int32
}

// Grouped is one job of Set.Grouped: a row of pixels of one plane, whose
// channels are in groups of Channels (4, 8 or 16) inputs and as many outputs,
//
//	Y[p,c] = max(Bias[c] + sum over r < Rows, i < Channels, t < 3 of
//	    X[r*Row + (p*Stride+t), c/Channels*Channels+i] * W[r,i,t,c], Floor)
type Grouped struct {
	X, Y, W, Bias []float32
	Row           int // floats from a row of input to the next one
	Rows          int
	Channels      int
	Tiles         []uint8
	Stride        int // pixels, 1 or 2
	Floor         float32
	fence         int32
}

// Transform is one job of Set.ToWinograd: Count times, 6 pixels d0 to d5 become
// 6 others,
//
//	Y[i*YStep] = 4*d0 - 5*d2 + d4, (d4-4*d2) + (d3-4*d1), (d4-4*d2) - (d3-4*d1),
//	    (d4-d2) + 2*(d3-d1), (d4-d2) - 2*(d3-d1), 4*d1 - 5*d3 + d5
//
// where di = X[i*XStep], or of Set.FromWinograd: they become 4,
//
//	Y[i*YStep] = max(r + Bias + Residual[i*ResidualStep], Floor),
//	r = d0+d1+d2+d3+d4, d1-d2 + 2*(d3-d4), d1+d2 + 4*(d3+d4), d1-d2 + 8*(d3-d4) + d5
//
// where Bias and Residual may be nil. Each time X, Y and Residual begin XNext,
// YNext and ResidualNext floats later. Between them, the pixels are multiplied
// by weights that Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (arXiv 1509.09308), section 4.2, give.
type Transform struct {
	X, Y, Bias, Residual              []float32
	XStep, XNext, YStep, YNext        int
	ResidualStep, ResidualNext, Count int
	Floor                             float32
}

// Tile divides a row of so many pixels into the numbers that the routines
// compute at once, such that the most work is done in large ones.
func Tile(pixels int) []uint8 {
	// best[n] is the last tile of n pixels, cost[n] what they cost: a tile's
	// pixels and about two more for its beginning and end.
	best, cost := make([]uint8, pixels+1), make([]int, pixels+1)
	for n := 1; n <= pixels; n++ {
		for _, t := range [...]int{6, 5, 4, 1} {
			if t <= n && (best[n] == 0 || cost[n-t]+max(t, 4)+2 < cost[n]) {
				best[n], cost[n] = uint8(t), cost[n-t]+max(t, 4)+2
			}
		}
	}
	var tiles []uint8
	for n := pixels; n > 0; n -= int(best[n]) {
		tiles = append(tiles, best[n])
	}
	return tiles
}

// badTile is what routines panic with where a job is not theirs.
const badTile = "simd: internal error: no such tile or stride"
