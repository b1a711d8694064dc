package kernel

// TrainSet is what training computes besides the products of [Set], in the same
// ways: "avx512", "avx2" or "scalar". Where x is said to have rows, it is a
// multiple of the vectors' length, a multiple of Lanes, one row after another.
type TrainSet struct {
	// Name is that of the Set it belongs to.
	Name string
	// AffineRows is y = max(x*scale + shift, floor), row by row.
	AffineRows func(y, x, scale, shift []float32, floor float32)
	// GateRows is y = max(x*gate + res, floor), where res has rows as x has.
	GateRows func(y, x, gate, res []float32, floor float32)
	// GateGrad is dx = dy*gate and dgate += dy*x, summed over the rows. dx may
	// be dy.
	GateGrad func(dx, dgate, dy, x, gate []float32)
	// Moments is sum += d and squares += d*d over the rows of d = x - pivot.
	Moments func(sum, squares, x, pivot []float32)
	// NormSums is sum += g and dot += g*(x - mean) over the rows, where g is dy
	// where x*scale + shift > floor, and 0 elsewhere.
	NormSums func(n *Norm, sum, dot, dy, x []float32)
	// NormGrad is dx = a*g + b*(x - mean) + c, row by row, with g as above. dx
	// may be dy.
	NormGrad func(n *Norm, dx, dy, x, a, b, c []float32)
	// SumRows is sum += x, summed over the rows.
	SumRows func(sum, x []float32)
	// Mask is dx = dy where y > 0, and 0 elsewhere. dx may be dy.
	Mask func(dx, dy, y []float32)
	// Dot returns the sum of a*b.
	Dot func(a, b []float32) float32
	// Winner is dx += rest and rest = 0, where x equals y.
	Winner func(dx, rest, x, y []float32)
	// Taps convolves each channel with weights of its own.
	Taps func(d *Taps)
	// TapsGrad is dw[t*Channels+c] += sum over pixels p of
	// X[p*XStep+Taps[t]+c] * Y[p*YStep+c] of a job, whose other fields it does
	// not read.
	TapsGrad func(d *Taps, dw []float32)
	// Finite reports whether all values are numbers.
	Finite func(x []float32) bool
}

// Norm are the vectors of a batch norm with the floor of the ReLU behind it;
// None where there is none.
type Norm struct {
	Scale, Shift, Mean []float32
	Floor              float32
}

// Taps is one job of TrainSet.Taps: a row of Pixels output pixels, each of
// Channels values,
//
//	Y[p*YStep+c] = Bias[c] + sum over taps t of X[p*XStep+Taps[t]+c] * W[t*Channels+c]
type Taps struct {
	X, W, Y, Bias    []float32
	Taps             []int
	Channels, Pixels int
	XStep, YStep     int
}

// ScalarTrain is the set that defines the others.
var ScalarTrain = &TrainSet{
	Name:       "scalar",
	AffineRows: affineRowsScalar, GateRows: gateRowsScalar, GateGrad: gateGradScalar,
	Moments: momentsScalar, NormSums: normSumsScalar, NormGrad: normGradScalar,
	SumRows: sumRowsScalar, Mask: maskScalar, Dot: dotScalar, Winner: winnerScalar,
	Taps: tapsScalar, TapsGrad: tapsGradScalar, Finite: finiteScalar,
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

func affineRowsScalar(y, x, scale, shift []float32, floor float32) {
	for len(y) > 0 {
		n := len(scale)
		for i, v := range x[:n] {
			y[i] = above(v*scale[i]+shift[i], floor)
		}
		y, x = y[n:], x[n:]
	}
}

func gateRowsScalar(y, x, gate, res []float32, floor float32) {
	for len(y) > 0 {
		n := len(gate)
		for i, v := range x[:n] {
			y[i] = above(v*gate[i]+res[i], floor)
		}
		y, x, res = y[n:], x[n:], res[n:]
	}
}

func gateGradScalar(dx, dgate, dy, x, gate []float32) {
	for len(dx) > 0 {
		n := len(gate)
		for i, d := range dy[:n] {
			dgate[i] += d * x[i]
			dx[i] = d * gate[i]
		}
		dx, dy, x = dx[n:], dy[n:], x[n:]
	}
}

func momentsScalar(sum, squares, x, pivot []float32) {
	for len(x) > 0 {
		n := len(sum)
		for i, v := range x[:n] {
			d := v - pivot[i]
			sum[i] += d
			squares[i] += d * d
		}
		x = x[n:]
	}
}

func normSumsScalar(k *Norm, sum, dot, dy, x []float32) {
	for len(x) > 0 {
		n := len(sum)
		for i, v := range x[:n] {
			if v*k.Scale[i]+k.Shift[i] > k.Floor {
				sum[i] += dy[i]
				dot[i] += dy[i] * (v - k.Mean[i])
			}
		}
		x, dy = x[n:], dy[n:]
	}
}

func normGradScalar(k *Norm, dx, dy, x, a, b, c []float32) {
	for len(x) > 0 {
		n := len(a)
		for i, v := range x[:n] {
			var g float32
			if v*k.Scale[i]+k.Shift[i] > k.Floor {
				g = dy[i]
			}
			dx[i] = a[i]*g + (b[i]*(v-k.Mean[i]) + c[i])
		}
		x, dy, dx = x[n:], dy[n:], dx[n:]
	}
}

func sumRowsScalar(sum, x []float32) {
	for len(x) > 0 {
		for i := range sum {
			sum[i] += x[i]
		}
		x = x[len(sum):]
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

func dotScalar(a, b []float32) float32 {
	var sum [Lanes]float32
	for len(a) > 0 {
		for i := range sum {
			sum[i] += a[i] * b[i]
		}
		a, b = a[Lanes:], b[Lanes:]
	}
	return total(&sum)
}

// total sums the lanes, in pairs.
func total(v *[Lanes]float32) float32 {
	for half := Lanes / 2; half > 0; half /= 2 {
		for i := range half {
			v[i] += v[i+half]
		}
	}
	return v[0]
}

func winnerScalar(dx, rest, x, y []float32) {
	for i, v := range x[:len(y)] {
		if v == y[i] {
			dx[i] += rest[i]
			rest[i] = 0
		}
	}
}

func tapsGradScalar(d *Taps, dw []float32) {
	for p := range d.Pixels {
		y := d.Y[p*d.YStep:][:d.Channels]
		for t, tap := range d.Taps {
			w := dw[t*d.Channels:][:d.Channels]
			for c, v := range d.X[p*d.XStep+tap:][:d.Channels] {
				w[c] += v * y[c]
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

func tapsScalar(d *Taps) {
	for p := range d.Pixels {
		y := d.Y[p*d.YStep:][:d.Channels]
		copy(y, d.Bias)
		for t, tap := range d.Taps {
			w := d.W[t*d.Channels:][:d.Channels]
			for c, v := range d.X[p*d.XStep+tap:][:d.Channels] {
				y[c] += v * w[c]
			}
		}
	}
}
