// Package routines computes the inner loops of training, on the widest registers that
// the CPU has.
//
//	set := routines.For(simd) // a *simd.Set
//	set.Adam(&routines.Adam{Rate: 1e-3, Keep: 1, …}, weights, gradients, m, v, nil)
//
// Its sets belong to those of package runtime/simd, and take data in the same layout:
// planes of simd.Lanes channels. Vectors with one value for each channel of a plane have
// that length. The scalar set defines the others. It is the fallback where
// machine code cannot run.
package routines

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

const lanes = simd.Lanes

// Set is one way to compute every routine: "avx512", "avx2" or "scalar".
type Set struct {
	// Name is the name of the simd.Set that the set belongs to.
	Name string
	// Moments adds d to sum and d*d to squares for every pixel, where d = x - pivot.
	Moments func(sum, squares, x, pivot []float32)
	// NormSums adds g to sum and g*(x - mean) to dot for every pixel. g is dy where
	// x*scale + shift > floor, else 0.
	NormSums func(n *Norm, sum, dot, dy, x []float32)
	// NormGrad sets dx = a*g + b*(x - mean) + c, with g as in NormSums. dx may be dy.
	NormGrad func(n *Norm, dx, dy, x, a, b, c []float32)
	// Dot adds a*b to sum for every pixel.
	Dot func(sum, a, b []float32)
	// MulAdd adds a*b to y.
	MulAdd func(y, a, b []float32)
	// Mask sets dx = dy where y > 0, else 0. dx may be dy.
	Mask func(dx, dy, y []float32)
	// SwishGrad sets dx = dy * s*(1 + factor*x*(1 - s)), where s is the sigmoid of
	// factor*x: the gradient of x*s. dx may be dy.
	SwishGrad func(dx, dy, x, sigmoid []float32, factor float32)
	// GELU sets y = x*Φ(x), where Φ is the distribution of a standard normal.
	GELU func(y, x []float32)
	// GELUGrad sets dx = dy * (Φ(x) + x*Φ'(x)), the gradient of GELU. dx may be dy.
	GELUGrad func(dx, dy, x []float32)
	// Winner adds rest to dx and clears it, in the lanes where x equals y.
	Winner func(dx, rest, x, y []float32)
	// GroupedGrad adds the gradient of the weights of simd.Set's Depthwise and Grouped.
	GroupedGrad func(g *GroupedGrad)
	// Adam makes a step of Adam on weights w with gradients g. It updates their running
	// means m, running squares v and, unless it is nil, the largest squares top.
	Adam func(a *Adam, w, g, m, v, top []float32)
	// SGD makes a step of SGD on weights w with gradients g. It updates the momentum b
	// unless that is nil.
	SGD func(s *SGD, w, g, b []float32)
	// Finite reports whether no value is NaN or infinite.
	Finite func(x []float32) bool
}

// Norm holds the vectors of a batch norm for one plane. Floor is the lower
// limit of the outputs: 0 if a ReLU follows, else simd.None.
type Norm struct {
	Scale, Shift, Mean []float32
	Floor              float32
}

// GroupedGrad is a job of [Set].GroupedGrad, on rows of pixels of one plane:
//
//	W[r,i,t,c] += sum over l < Lines, p < Pixels of
//	    X[(l*Stride+r)*XRow + (p*Stride+t), c/Channels*Channels+i] * Y[l*Pixels+p, c]
//
// for r < Rows, i < Channels, t < Cols. A pixel has simd.Lanes values. Channels is 1, or
// 4, 8 or 16 with Cols 3.
type GroupedGrad struct {
	X, Y, W       []float32
	XRow          int // floats from a row of input to the next one
	Lines, Pixels int
	Rows, Cols    int
	Channels      int
	Stride        int // pixels
}

// Adam holds the factors of a step:
//
//	x = Keep*w;  d = Scale*g + Decay*x
//	m = Beta1*m + Rest1*d;  v = Beta2*v + Rest2*d*d;  top = max(top, v)
//	w = x - Rate*m / (Root*sqrt(top, or v) + Epsilon)
type Adam struct {
	Scale, Decay, Keep         float32
	Beta1, Rest1, Beta2, Rest2 float32
	Rate, Root, Epsilon        float32
}

// SGD holds the factors of a step:
//
//	d = Scale*g + Decay*w;  b = Momentum*b + d
//	w = w - Rate*(d + Momentum*b if Nesterov, else b, or d without momentum)
type SGD struct {
	Scale, Decay, Rate, Momentum float32
	Nesterov                     bool
}

// Scalar is the set that defines the others.
var Scalar = &Set{
	Name:    "scalar",
	Moments: momentsScalar, NormSums: normSumsScalar, NormGrad: normGradScalar,
	Dot: dotScalar, MulAdd: mulAddScalar, Mask: maskScalar, SwishGrad: swishGradScalar, GELU: geluScalar, GELUGrad: geluGradScalar,
	Winner:      winnerScalar,
	GroupedGrad: groupedGradScalar, Adam: adamScalar, SGD: sgdScalar, Finite: finiteScalar,
}

// Sets lists the sets that this CPU can run, fastest first.
func Sets() []*Set {
	sets, _ := vectorSets()
	return append(slices.Clip(sets), Scalar)
}

// For returns the set that belongs to s.
func For(s *simd.Set) *Set {
	for _, t := range Sets() {
		if t.Name == s.Name {
			return t
		}
	}
	return Scalar
}

// Trouble returns why the fastest set is the scalar one where it need not be, as
// [simd.Trouble] does.
func Trouble() error {
	_, err := vectorSets()
	return err
}

func momentsScalar(sum, squares, x, pivot []float32) {
	for i, v := range x {
		c := i % lanes
		d := v - pivot[c]
		sum[c] += d
		squares[c] += d * d
	}
}

func normSumsScalar(n *Norm, sum, dot, dy, x []float32) {
	for i, v := range x {
		if c := i % lanes; v*n.Scale[c]+n.Shift[c] > n.Floor {
			sum[c] += dy[i]
			dot[c] += dy[i] * (v - n.Mean[c])
		}
	}
}

func normGradScalar(n *Norm, dx, dy, x, a, b, c []float32) {
	for i, v := range x {
		k := i % lanes
		var g float32
		if v*n.Scale[k]+n.Shift[k] > n.Floor {
			g = dy[i]
		}
		dx[i] = a[k]*g + (b[k]*(v-n.Mean[k]) + c[k])
	}
}

func dotScalar(sum, a, b []float32) {
	for i, v := range a {
		sum[i%lanes] += v * b[i]
	}
}

func mulAddScalar(y, a, b []float32) {
	for i, v := range a {
		y[i] += v * b[i]
	}
}

func maskScalar(dx, dy, y []float32) {
	for i, v := range y {
		if v > 0 {
			dx[i] = dy[i]
		} else {
			dx[i] = 0
		}
	}
}

func swishGradScalar(dx, dy, x, sigmoid []float32, factor float32) {
	for i, s := range sigmoid {
		dx[i] = dy[i] * (s * (1 + factor*(x[i]*(1-s))))
	}
}

func geluScalar(y, x []float32) {
	for i, v := range x[:len(y)] {
		y[i] = v * float32(0.5*(1+math.Erf(float64(v)/math.Sqrt2)))
	}
}

func geluGradScalar(dx, dy, x []float32) {
	for i, v := range x[:len(dx)] {
		z := float64(v)
		slope := 0.5*(1+math.Erf(z/math.Sqrt2)) + z*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)
		dx[i] = dy[i] * float32(slope)
	}
}

func winnerScalar(dx, rest, x, y []float32) {
	for i, v := range x[:len(y)] {
		if v == y[i] {
			dx[i] += rest[i]
			rest[i] = 0
		}
	}
}

func groupedGradScalar(g *GroupedGrad) {
	for r := range g.Rows {
		for i := range g.Channels {
			for t := range g.Cols {
				w := g.W[((r*g.Channels+i)*g.Cols+t)*lanes:][:lanes]
				for l := range g.Lines {
					x, y := g.X[(l*g.Stride+r)*g.XRow+t*lanes:], g.Y[l*g.Pixels*lanes:]
					for p := range g.Pixels {
						for c := range w {
							w[c] += x[p*g.Stride*lanes+c/g.Channels*g.Channels+i] * y[p*lanes+c]
						}
					}
				}
			}
		}
	}
}

func finiteScalar(x []float32) bool {
	var zero float32
	for _, v := range x {
		zero += v * 0 // 0, or NaN
	}
	return zero == 0
}

func adamScalar(a *Adam, w, g, m, v, top []float32) {
	for i, grad := range g {
		x := w[i] * a.Keep
		d := a.Scale*grad + a.Decay*x
		m[i] = a.Beta1*m[i] + a.Rest1*d
		v[i] = a.Beta2*v[i] + a.Rest2*d*d
		s := v[i]
		if top != nil {
			s = max(s, top[i])
			top[i] = s
		}
		w[i] = x - a.Rate*m[i]/(a.Root*float32(math.Sqrt(float64(s)))+a.Epsilon)
	}
}

func sgdScalar(s *SGD, w, g, b []float32) {
	for i, grad := range g {
		d := s.Scale*grad + s.Decay*w[i]
		if b != nil {
			b[i] = s.Momentum*b[i] + d
			if s.Nesterov {
				d += s.Momentum * b[i]
			} else {
				d = b[i]
			}
		}
		w[i] -= s.Rate * d
	}
}
