package engine

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// tokens computes the operations on tokens.
func (p *interpreter) tokens(n *nn.Node, y []float32) {
	in := make([][]float32, len(n.In))
	for i, x := range n.In {
		in[i] = p.out[x.ID]
	}
	switch n.Op {
	case nn.Rearrange:
		p.rearranged(n, y, in[0])
	case nn.AttentionOp:
		p.attention(n, y, in[0], in[1], in[2])
	case nn.MatMul:
		rows, inputs, columns := len(y)/n.Shape.C/n.Groups, n.In[0].Shape.C, n.Shape.C
		for g := range n.Groups {
			multiply(y[g*rows*columns:][:rows*columns], in[0][g*rows*inputs:], in[1][g*inputs*columns:], columns, inputs)
		}
	case nn.Softmax:
		for i := 0; i < len(y); i += n.Shape.C {
			softmaxOf(y[i:][:n.Shape.C], in[0][i:])
		}
	case nn.GroupNorm:
		p.groupNorm(n, y, in[0])
	case nn.Constant:
		w, c := p.role(n, nn.Weight), n.Shape.C
		for i := range y {
			y[i] = w[i%c*(len(y)/c)+i/c]
		}
	case nn.ConcatPixels:
		copy(y, slices.Concat(in...))
	case nn.Combine:
		i := 0
		for h := range n.Shape.H {
			for w := range n.Shape.W {
				for c := range n.Shape.C {
					y[i] = n.Arithmetic.Of(repeated(n.In[0].Shape, in[0], c, h, w), repeated(n.In[1].Shape, in[1], c, h, w))
					i++
				}
			}
		}
	}
}

// repeated returns an element of x, whose sides of length 1 are repeated.
func repeated(s nn.Shape, x []float32, c, h, w int) float32 {
	return x[(min(h, s.H-1)*s.W+min(w, s.W-1))*s.C+min(c, s.C-1)]
}

func (p *interpreter) rearranged(n *nn.Node, y, x []float32) {
	a, s := n.Arrangement, n.In[0].Shape
	i := 0
	for _, h := range a.Offsets(nn.AxisH) {
		for _, w := range a.Offsets(nn.AxisW) {
			for _, c := range a.Offsets(nn.AxisC) {
				at := a.Place(s, h, w, c)
				y[i] = x[(at[nn.AxisH]*s.W+at[nn.AxisW])*s.C+at[nn.AxisC]]
				i++
			}
		}
	}
}

// multiply computes rows of y = a*b, where b has so many rows and columns.
func multiply(y, a, b []float32, columns, inputs int) {
	for i := range y {
		sum := 0.0
		for k := range inputs {
			sum += float64(a[i/columns*inputs+k]) * float64(b[k*columns+i%columns])
		}
		y[i] = float32(sum)
	}
}

func softmaxOf(y, x []float32) {
	top, sum := slices.Max(x[:len(y)]), 0.0
	for i := range y {
		sum += math.Exp(float64(x[i] - top))
	}
	for i := range y {
		y[i] = float32(math.Exp(float64(x[i]-top)) / sum)
	}
}

func (p *interpreter) attention(n *nn.Node, y, q, k, v []float32) {
	queries, keys := len(q)/n.In[0].Shape.C/n.Groups, len(k)/n.In[1].Shape.C/n.Groups
	wide, out := n.In[0].Shape.C/n.Heads, n.Shape.C/n.Heads
	scores, weights := make([]float32, keys), make([]float32, keys)
	for g := range n.Groups {
		for h := range n.Heads {
			for i := range queries {
				for j := range keys {
					sum := 0.0
					for c := range wide {
						sum += float64(q[(g*queries+i)*n.In[0].Shape.C+h*wide+c]) * float64(k[(g*keys+j)*n.In[1].Shape.C+h*wide+c])
					}
					sum *= n.Scale
					for t, role := range []nn.Role{nn.Bias, nn.Mask} {
						if tables := n.Tables[t]; tables > 0 {
							sum += float64(p.role(n, role)[([]int{h, g}[t]%tables*queries+i)*keys+j])
						}
					}
					scores[j] = float32(sum)
				}
				softmaxOf(weights, scores)
				for c := range out {
					sum := 0.0
					for j, w := range weights {
						sum += float64(w) * float64(v[(g*keys+j)*n.Shape.C+h*out+c])
					}
					y[(g*queries+i)*n.Shape.C+h*out+c] = float32(sum)
				}
			}
		}
	}
}

func (p *interpreter) groupNorm(n *nn.Node, y, x []float32) {
	w, bias := p.role(n, nn.Weight), p.role(n, nn.Bias)
	c := n.Shape.C
	for g := range n.Groups {
		var places []int
		for i := range x {
			if i%c*n.Groups/c == g {
				places = append(places, i)
			}
		}
		mean, variance := 0.0, 0.0
		for _, i := range places {
			mean += float64(x[i]) / float64(len(places))
		}
		for _, i := range places {
			variance += math.Pow(float64(x[i])-mean, 2) / float64(len(places))
		}
		for _, i := range places {
			y[i] = float32((float64(x[i])-mean)/math.Sqrt(variance+n.Eps)*float64(w[i%c]) + float64(bias[i%c]))
		}
	}
}
