package kernel

// Scalar is the set that defines the others.
var Scalar = &Set{
	Name: "scalar", Panel: Lanes,
	GEMM: gemmScalar, HalfGEMM: gemmScalar, Depthwise: depthwiseScalar,
	Affine: affineScalar, AddScaled: addScaledScalar, Max: maxScalar,
}

// above returns v, but at least floor. NaN stays NaN.
func above(v, floor float32) float32 {
	if v < floor {
		return floor
	}
	return v
}

func gemmScalar(g *GEMM) {
	var sum [Lanes]float32
	for p := g.First; p < g.End; p++ {
		y := g.Y[g.Out[p]:][:Lanes]
		switch {
		case g.Accumulate:
			copy(sum[:], y)
		case g.Residual != nil:
			res := g.Residual[g.ResidualAt[p]:][:Lanes]
			for j, b := range g.Bias[:Lanes] {
				sum[j] = b + res[j]
			}
		default:
			copy(sum[:], g.Bias)
		}
		w := g.W
		for _, s := range g.Segments {
			for _, v := range g.X[int(g.In[p])+s.Offset:][:s.K] {
				row := (*[Lanes]float32)(w)
				for j := range sum {
					sum[j] += v * row[j]
				}
				w = w[Lanes:]
			}
		}
		for j, v := range sum {
			y[j] = above(v, g.Floor)
		}
	}
}

func depthwiseScalar(d *Depthwise) {
	for p := range d.Pixels {
		y := d.Y[p*d.YStep:][:d.Channels]
		copy(y, d.Bias)
		for t, tap := range d.Taps {
			w := d.W[t*d.Channels:][:d.Channels]
			for c, v := range d.X[p*d.XStep+tap:][:d.Channels] {
				y[c] += v * w[c]
			}
		}
		for c, v := range y {
			y[c] = above(v, d.Floor)
		}
	}
}

func affineScalar(y, x, scale, shift []float32, floor float32) {
	x, scale, shift = x[:len(y)], scale[:len(y)], shift[:len(y)]
	for i, v := range x {
		y[i] = above(v*scale[i]+shift[i], floor)
	}
}

func addScaledScalar(y, a, b []float32, factor, floor float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i, v := range a {
		y[i] = above(v+factor*b[i], floor)
	}
}

func maxScalar(y, x []float32) {
	for i, v := range x[:len(y)] {
		y[i] = max(y[i], v)
	}
}
