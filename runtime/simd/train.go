package simd

import "math"

// TrainSet is what training computes besides the routines of [Set], in the same
// ways: "avx512", "avx2" or "scalar". Activations are planes of pixels of Lanes
// channels; vectors of a plane's channels are lanes.
type TrainSet struct {
	// Name is that of the Set it belongs to.
	Name string
	// Moments is sum += d and squares += d*d over the pixels of d = x - pivot.
	Moments func(sum, squares, x, pivot []float32)
	// NormSums is sum += g and dot += g*(x - mean) over the pixels, where g is
	// dy where x*scale + shift > floor, and 0 elsewhere.
	NormSums func(n *Norm, sum, dot, dy, x []float32)
	// NormGrad is dx = a*g + b*(x - mean) + c, with g as above. dx may be dy.
	NormGrad func(n *Norm, dx, dy, x, a, b, c []float32)
	// Dot is sum += a*b, summed over the pixels.
	Dot func(sum, a, b []float32)
	// MulAdd is y += a*b.
	MulAdd func(y, a, b []float32)
	// Mask is dx = dy where y > 0, and 0 elsewhere. dx may be dy.
	Mask func(dx, dy, y []float32)
	// Winner is dx += rest and rest = 0, where x equals y.
	Winner func(dx, rest, x, y []float32)
	// SlideGrad is the gradient of the weights of Set.Depthwise and Set.Grouped.
	SlideGrad func(g *SlideGrad)
	// Adam makes a step of Adam on weights w with gradients g, their running
	// means m and squares v, and the largest squares top, nil where not kept.
	Adam func(a *Adam, w, g, m, v, top []float32)
	// SGD makes a step of SGD on weights w with gradients g and the momentum b,
	// nil where there is none.
	SGD func(s *SGD, w, g, b []float32)
	// Finite reports whether all values are numbers.
	Finite func(x []float32) bool
}

// Norm are the lanes of a batch norm, with the floor of the ReLU behind it;
// None where there is none.
type Norm struct {
	Scale, Shift, Mean []float32
	Floor              float32
}

// SlideGrad is one job of TrainSet.SlideGrad, on rows of pixels of one plane,
//
//	W[r,i,t,c] += sum over l < Lines, p < Pixels of
//	    X[(l*Stride+r)*XRow + (p*Stride+t), c/Channels*Channels+i] * Y[l*Pixels+p, c]
//
// for r < Rows, i < Channels, t < Cols, where a pixel has Lanes values.
// Channels is 1, or 4, 8 or 16 with Cols 3.
type SlideGrad struct {
	X, Y, W       []float32
	XRow          int // floats from a row of input to the next one
	Lines, Pixels int
	Rows, Cols    int
	Channels      int
	Stride        int // pixels
}

// Adam are the numbers of a step, with x the weight:
//
//	x = Keep*w;  d = Scale*g + Decay*x
//	m = Beta1*m + Rest1*d;  v = Beta2*v + Rest2*d*d;  top = max(top, v)
//	w = x - Rate*m / (Root*sqrt(top, or v) + Epsilon)
type Adam struct {
	Scale, Decay, Keep         float32
	Beta1, Rest1, Beta2, Rest2 float32
	Rate, Root, Epsilon        float32
}

// SGD are the numbers of a step:
//
//	d = Scale*g + Decay*w;  b = Momentum*b + d
//	w = w - Rate*(d + Momentum*b if Nesterov, else b, or d without momentum)
type SGD struct {
	Scale, Decay, Rate, Momentum float32
	Nesterov                     bool
}

// ScalarTrain is the set that defines the others.
var ScalarTrain = &TrainSet{
	Name:    "scalar",
	Moments: momentsScalar, NormSums: normSumsScalar, NormGrad: normGradScalar,
	Dot: dotScalar, MulAdd: mulAddScalar, Mask: maskScalar, Winner: winnerScalar,
	SlideGrad: slideGradScalar, Adam: adamScalar, SGD: sgdScalar, Finite: finiteScalar,
}

// TrainSets lists the sets that this CPU can run, fastest first.
func TrainSets() []*TrainSet { return append(vectorTrainSets(), ScalarTrain) }

// TrainFor returns the training routines that belong to a set.
func TrainFor(s *Set) *TrainSet {
	for _, t := range vectorTrainSets() {
		if t.Name == s.Name {
			return t
		}
	}
	return ScalarTrain
}

func momentsScalar(sum, squares, x, pivot []float32) {
	for i, v := range x {
		c := i % Lanes
		d := v - pivot[c]
		sum[c] += d
		squares[c] += d * d
	}
}

func normSumsScalar(n *Norm, sum, dot, dy, x []float32) {
	for i, v := range x {
		if c := i % Lanes; v*n.Scale[c]+n.Shift[c] > n.Floor {
			sum[c] += dy[i]
			dot[c] += dy[i] * (v - n.Mean[c])
		}
	}
}

func normGradScalar(n *Norm, dx, dy, x, a, b, c []float32) {
	for i, v := range x {
		k := i % Lanes
		var g float32
		if v*n.Scale[k]+n.Shift[k] > n.Floor {
			g = dy[i]
		}
		dx[i] = a[k]*g + (b[k]*(v-n.Mean[k]) + c[k])
	}
}

func dotScalar(sum, a, b []float32) {
	for i, v := range a {
		sum[i%Lanes] += v * b[i]
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

func winnerScalar(dx, rest, x, y []float32) {
	for i, v := range x[:len(y)] {
		if v == y[i] {
			dx[i] += rest[i]
			rest[i] = 0
		}
	}
}

func slideGradScalar(g *SlideGrad) {
	for r := range g.Rows {
		for i := range g.Channels {
			for t := range g.Cols {
				w := g.W[((r*g.Channels+i)*g.Cols+t)*Lanes:][:Lanes]
				for l := range g.Lines {
					x, y := g.X[(l*g.Stride+r)*g.XRow+t*Lanes:], g.Y[l*g.Pixels*Lanes:]
					for p := range g.Pixels {
						for c := range w {
							w[c] += x[p*g.Stride*Lanes+c/g.Channels*g.Channels+i] * y[p*Lanes+c]
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
