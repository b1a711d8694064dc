package simd

import "math"

// Scalar is the set that defines the results of all others.
var Scalar = &Set{
	Name: "scalar", Panel: Lanes, L2: defaultL2,
	GEMM: gemmScalar, HalfGEMM: gemmScalar,
	Depthwise: depthwiseScalar, MaxPool: maxPoolScalar, Grouped: groupedScalar,
	ToWinograd: toWinogradScalar, FromWinograd: fromWinogradScalar,
	Affine: affineScalar, AddScaled: addScaledScalar, Gather: gatherScalar, Strassen: strassenScalar, Max: maxScalar,
	Scale: scaleScalar, Gate: gateScalar, GatePixels: gatePixelsScalar,
	Sigmoid: sigmoidScalar, Sum: sumScalar, Peak: peakScalar,
	LayerNorm: layerNormScalar, Softmax: softmaxScalar,
}

// above returns the larger of v and floor, and NaN if v is NaN.
func above(v, floor float32) float32 {
	if v < floor {
		return floor
	}
	return v
}

func gemmScalar(g *GEMM) {
	var sum [Lanes]float32
	xStep := step(g.XStep)
	for p := g.First; p < g.End; p++ {
		y := g.Y[g.Out[p]:][:Lanes]
		if g.Accumulate {
			clear(sum[:])
		} else {
			copy(sum[:], g.Bias)
			for _, part := range g.Partials {
				if part != nil {
					add(&sum, part[p*Lanes:])
				}
			}
			if g.Residual != nil {
				add(&sum, g.Residual[g.ResidualAt[p]:])
			}
		}
		w := g.W
		for _, s := range g.Segments {
			at := int(g.In[p]) + s.Offset
			for k := 0; k < s.K; k += Lanes {
				for _, v := range g.X[at:][:min(Lanes, s.K-k)] {
					row := (*[Lanes]float32)(w)
					for j := range sum {
						sum[j] += v * row[j]
					}
					w = w[Lanes:]
				}
				at += xStep
			}
		}
		for j, v := range sum {
			if g.Accumulate {
				v += y[j]
			}
			y[j] = above(v, g.Floor)
		}
	}
}

func add(sum *[Lanes]float32, x []float32) {
	for j, v := range x[:Lanes] {
		sum[j] += v
	}
}

func gatherScalar(g *Gather) {
	for p, at := range g.At[:g.Pixels] {
		for plane := range g.Planes {
			y := g.Y[p*g.YPixel+plane*Lanes:][:Lanes]
			copy(y, g.X[int(at)+plane*g.XStep:])
			if g.Scale == nil {
				continue
			}
			for c, v := range y {
				y[c] = above(v*g.Scale[plane*step(g.ScaleStep)+c]+g.Shift[plane*Lanes+c], g.Floor)
			}
		}
	}
}

func strassenScalar(s *Strassen) {
	for plane := range s.Left {
		for p := range s.Pixels {
			y := s.Y[p*s.YPixel+plane*Lanes:]
			upper, lower := s.X[int(s.Upper[p])+plane*s.XStep:], s.X[int(s.Lower[p])+plane*s.XStep:]
			for j := range Lanes {
				a11, a21 := upper[j], lower[j]
				var a12, a22 float32
				if plane < s.Right {
					a12, a22 = upper[s.Left*s.XStep+j], lower[s.Left*s.XStep+j]
				}
				s1 := a21 + a22
				s2 := s1 - a11
				y[j], y[3*s.YStep+j], y[4*s.YStep+j], y[5*s.YStep+j] = a11, s1, s2, a11-a21
				if plane < s.Right {
					y[s.YStep+j], y[2*s.YStep+j], y[6*s.YStep+j] = a12, a22, a12-s2
				}
			}
		}
	}
}

func depthwiseScalar(d *Windows) {
	for p := range d.Pixels {
		y := d.Y[p*Lanes:][:Lanes]
		copy(y, d.Bias)
		w := d.W
		for r := range d.Rows {
			for t := range d.Cols {
				for c, v := range d.X[r*d.Row+(p*d.Stride+t)*Lanes:][:Lanes] {
					y[c] += v * w[c]
				}
				w = w[Lanes:]
			}
		}
		for c, v := range y {
			y[c] = above(v, d.Floor)
		}
	}
}

func maxPoolScalar(d *Windows) {
	for p := range d.Pixels {
		y := d.Y[p*Lanes:][:Lanes]
		for c := range y {
			y[c] = None
		}
		for r := range d.Rows {
			for t := range d.Cols {
				for c, v := range d.X[r*d.Row+(p*d.Stride+t)*Lanes:][:Lanes] {
					y[c] = max(y[c], v)
				}
			}
		}
	}
}

func groupedScalar(d *Grouped) {
	for p := range d.Pixels {
		y := d.Y[p*Lanes:][:Lanes]
		copy(y, d.Bias)
		w := d.W
		for r := range d.Rows {
			x := d.X[r*d.Row+p*d.Stride*Lanes:][:3*Lanes]
			for i := range d.Channels {
				for t := range 3 {
					for c := range y {
						y[c] += x[t*Lanes+c/d.Channels*d.Channels+i] * w[c]
					}
					w = w[Lanes:]
				}
			}
		}
		for c, v := range y {
			y[c] = above(v, d.Floor)
		}
	}
}

func toWinogradScalar(t *Transform) {
	for n := range t.Count {
		for c := range Lanes {
			var d [6]float32
			for i := range d {
				d[i] = t.X[n*t.XNext+i*t.XStep+c]
			}
			even, odd, even2, odd2 := d[4]-4*d[2], d[3]-4*d[1], d[4]-d[2], 2*(d[3]-d[1])
			for i, v := range [...]float32{4*d[0] - 5*d[2] + d[4], even + odd, even - odd, even2 + odd2, even2 - odd2, 4*d[1] - 5*d[3] + d[5]} {
				t.Y[n*t.YNext+i*t.YStep+c] = v
			}
		}
	}
}

func fromWinogradScalar(t *Transform) {
	for n := range t.Count {
		for c := range Lanes {
			var d [6]float32
			for i := range d {
				d[i] = t.X[n*t.XNext+i*t.XStep+c]
			}
			s12, d12, s34, d34 := d[1]+d[2], d[1]-d[2], d[3]+d[4], d[3]-d[4]
			for i, v := range [...]float32{d[0] + s12 + s34, d12 + 2*d34, s12 + 4*s34, d12 + 8*d34 + d[5]} {
				if t.Bias != nil {
					v += t.Bias[c]
				}
				if t.Residual != nil {
					v += t.Residual[n*t.ResidualNext+i*t.ResidualStep+c]
				}
				t.Y[n*t.YNext+i*t.YStep+c] = above(v, t.Floor)
			}
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

func scaleScalar(y, x, scale, shift []float32, floor float32) {
	for i, v := range x[:len(y)] {
		y[i] = above(v*scale[i%Lanes]+shift[i%Lanes], floor)
	}
}

func gateScalar(y, x, gate, res []float32, floor float32) {
	res = res[:len(y)]
	for i, v := range x[:len(y)] {
		y[i] = above(v*gate[i%Lanes]+res[i], floor)
	}
}

func gatePixelsScalar(y, x, gate, res []float32, floor float32) {
	res = res[:len(y)]
	for i, v := range x[:len(y)] {
		y[i] = above(v*gate[i/Lanes*Lanes]+res[i], floor)
	}
}

func sigmoidScalar(y, x []float32) {
	for i, v := range x[:len(y)] {
		y[i] = float32(1 / (1 + math.Exp(-float64(v))))
	}
}

func sumScalar(y, x []float32) {
	for i, v := range x {
		y[i%Lanes] += v
	}
}

func peakScalar(y, x []float32) {
	for i, v := range x {
		y[i%Lanes] = max(y[i%Lanes], v)
	}
}
