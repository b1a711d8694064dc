package kernel

// TrainSet is what training computes besides the kernels of [Set], in the same
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

// ScalarTrain is the set that defines the others.
var ScalarTrain = &TrainSet{
	Name:    "scalar",
	Moments: momentsScalar, NormSums: normSumsScalar, NormGrad: normGradScalar,
	Dot: dotScalar, MulAdd: mulAddScalar, Mask: maskScalar, Winner: winnerScalar,
	SlideGrad: slideGradScalar, Finite: finiteScalar,
}

// TrainSets lists the sets that this CPU can run, fastest first.
func TrainSets() []*TrainSet { return append(vectorTrainSets(), ScalarTrain) }

// TrainFor returns the training kernels that belong to a set.
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
