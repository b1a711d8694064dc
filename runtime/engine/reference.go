package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// Modules computes one image, (H, W, C), node by node. It calls visit with the
// output, (H, W, C), of every module that the graph names; the slice is valid until
// visit returns.
//
// Modules defines what the operations mean: it uses plain loops, sums in float64,
// and fuses nothing. It helps to find the first layer where another implementation
// differs. It returns an error if the image, or a tensor of p, does not fit.
func Modules(g *nn.Graph, p Params, image []float32, visit func(name string, shape nn.Shape, nhwc []float32)) error {
	if len(image) != g.Input.Shape.Len() {
		return fmt.Errorf("predicting: an image of %d values, the network needs %d", len(image), g.Input.Shape.Len())
	}
	params := map[string][]float32{}
	for _, param := range g.Params() {
		data, shape, err := p.Float32(param.Name)
		if err != nil {
			return fmt.Errorf("loading tensor %s: %w", param.Name, err)
		}
		if !slices.Equal(shape, param.Shape) {
			return &ShapeError{Param: param.Name, Want: param.Shape, Got: shape}
		}
		params[param.Name] = data
	}
	in := newInterpreter(g, params)
	in.run(image)
	for _, m := range g.Modules {
		visit(m.Name, m.Node.Shape, in.out[m.Node.ID])
	}
	return nil
}

// interpreter computes a graph node by node.
type interpreter struct {
	graph  *nn.Graph
	params map[string][]float32
	out    [][]float32 // by node, NHWC
}

func newInterpreter(g *nn.Graph, params map[string][]float32) *interpreter {
	p := &interpreter{graph: g, params: params, out: make([][]float32, len(g.Nodes))}
	for i, n := range g.Nodes {
		p.out[i] = make([]float32, n.Shape.Len())
	}
	return p
}

func (p *interpreter) run(image []float32) {
	for _, n := range p.graph.Nodes {
		p.node(n, image)
	}
}

// role returns the node's parameter with role r.
func (p *interpreter) role(n *nn.Node, r nn.Role) []float32 { return p.params[n.Name+"."+r.String()] }

func (p *interpreter) node(n *nn.Node, image []float32) {
	y := p.out[n.ID]
	in := func(i int) []float32 { return p.out[n.In[i].ID] }
	switch n.Op {
	case nn.Input:
		copy(y, image)
	case nn.Conv:
		p.conv(n, y, in(0))
	case nn.BatchNorm:
		p.batchNorm(n, y, in(0))
	case nn.ReLU:
		for i, v := range in(0) {
			y[i] = max(v, 0)
		}
	case nn.Sigmoid:
		for i, v := range in(0) {
			y[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
	case nn.Activate:
		for i, v := range in(0) {
			y[i] = float32(n.Activation.Of(float64(v)))
		}
	case nn.LayerScale:
		gamma := p.role(n, nn.Gamma)
		for i, v := range in(0) {
			y[i] = v * gamma[i%len(gamma)]
		}
	case nn.LayerNorm:
		p.layerNorm(n, y, in(0))
	case nn.Add:
		b, scale := in(1), float32(n.Scale)
		for i, v := range in(0) {
			y[i] = v + scale*b[i]
		}
	case nn.Mul:
		p.mul(n, y, in(0), in(1))
	case nn.MaxPool, nn.AvgPool:
		p.pool(n, y, in(0))
	case nn.GlobalAvgPool, nn.GlobalMaxPool:
		p.globalPool(n, y, in(0))
	case nn.ChannelMean, nn.ChannelMax:
		p.channelPool(n, y, in(0))
	case nn.Linear:
		p.linear(n, y, in(0))
	case nn.Concat:
		p.concat(n, y)
	case nn.Pad, nn.Subsample, nn.PadChannels:
		p.rearrange(n, y, in(0))
	case nn.Dropout:
		copy(y, in(0))
	case nn.Rearrange, nn.AttentionOp, nn.MatMul, nn.Softmax, nn.GroupNorm, nn.Constant, nn.ConcatPixels, nn.Combine:
		p.tokens(n, y)
	default:
		panic("engine: internal error: no rule for " + n.Op.String())
	}
}

// conv is cross-correlation with zero padding. It sums over taps and input channels
// in float64.
func (p *interpreter) conv(n *nn.Node, y, x []float32) {
	in, out := n.In[0].Shape, n.Shape
	w, bias := p.role(n, nn.Weight), p.role(n, nn.Bias)
	inGroup, outGroup := in.C/n.Groups, out.C/n.Groups
	taps := n.Window.H * n.Window.W
	for oy := range out.H {
		for ox := range out.W {
			for oc := range out.C {
				sum := 0.0
				first := oc / outGroup * inGroup
				for tap := range taps {
					iy, ix := oy*n.Stride.H-n.Pad.H+tap/n.Window.W, ox*n.Stride.W-n.Pad.W+tap%n.Window.W
					if iy < 0 || iy >= in.H || ix < 0 || ix >= in.W {
						continue
					}
					px := x[(iy*in.W+ix)*in.C+first:][:inGroup]
					for ic, v := range px {
						sum += float64(v) * float64(w[(oc*inGroup+ic)*taps+tap])
					}
				}
				if n.Bias {
					sum += float64(bias[oc])
				}
				y[(oy*out.W+ox)*out.C+oc] = float32(sum)
			}
		}
	}
}

func (p *interpreter) batchNorm(n *nn.Node, y, x []float32) {
	w, bias := p.role(n, nn.Weight), p.role(n, nn.Bias)
	mean, variance := p.role(n, nn.RunningMean), p.role(n, nn.RunningVar)
	c := n.Shape.C
	for i, v := range x {
		k := i % c
		y[i] = float32((float64(v)-float64(mean[k]))/math.Sqrt(float64(variance[k])+n.Eps)*float64(w[k]) + float64(bias[k]))
	}
}

func (p *interpreter) layerNorm(n *nn.Node, y, x []float32) {
	w, bias := p.role(n, nn.Weight), p.role(n, nn.Bias)
	c := n.Shape.C
	for first := 0; first < len(x); first += c {
		mean, variance := 0.0, 0.0
		for _, v := range x[first : first+c] {
			mean += float64(v) / float64(c)
		}
		for _, v := range x[first : first+c] {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(c)
		}
		for k := range c {
			y[first+k] = float32((float64(x[first+k])-mean)/math.Sqrt(variance+n.Eps)*float64(w[k]) + float64(bias[k]))
		}
	}
}

func (p *interpreter) mul(n *nn.Node, y, x, gate []float32) {
	c := n.Shape.C
	perChannel := n.In[1].Shape.H == 1 && n.In[1].Shape.W == 1 && n.In[1].Shape.C == c
	for i, v := range x {
		if perChannel {
			y[i] = v * gate[i%c]
		} else {
			y[i] = v * gate[i/c]
		}
	}
}

// pool is torch.nn.MaxPool2d or AvgPool2d. The divisor of a mean counts padding if
// CountIncludePad is set. It never counts what lies beyond the padding in ceil mode.
func (p *interpreter) pool(n *nn.Node, y, x []float32) {
	in, out := n.In[0].Shape, n.Shape
	for oy := range out.H {
		for ox := range out.W {
			top, left := oy*n.Stride.H-n.Pad.H, ox*n.Stride.W-n.Pad.W
			bottom, right := min(top+n.Window.H, in.H+n.Pad.H), min(left+n.Window.W, in.W+n.Pad.W)
			count := (bottom - top) * (right - left)
			top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, in.H), min(right, in.W)
			if !n.CountIncludePad {
				count = (bottom - top) * (right - left)
			}
			for c := range out.C {
				best, sum := float32(math.Inf(-1)), 0.0
				for iy := top; iy < bottom; iy++ {
					for ix := left; ix < right; ix++ {
						v := x[(iy*in.W+ix)*in.C+c]
						best = max(best, v)
						sum += float64(v)
					}
				}
				if n.Op == nn.AvgPool {
					best = float32(sum / float64(count))
				}
				y[(oy*out.W+ox)*out.C+c] = best
			}
		}
	}
}

func (p *interpreter) globalPool(n *nn.Node, y, x []float32) {
	in := n.In[0].Shape
	for c := range in.C {
		best, sum := float32(math.Inf(-1)), 0.0
		for i := c; i < len(x); i += in.C {
			best = max(best, x[i])
			sum += float64(x[i])
		}
		if y[c] = best; n.Op == nn.GlobalAvgPool {
			y[c] = float32(sum / float64(in.H*in.W))
		}
	}
}

func (p *interpreter) channelPool(n *nn.Node, y, x []float32) {
	c := n.In[0].Shape.C
	for i := range y {
		best, sum := float32(math.Inf(-1)), 0.0
		for _, v := range x[i*c:][:c] {
			best = max(best, v)
			sum += float64(v)
		}
		if y[i] = best; n.Op == nn.ChannelMean {
			y[i] = float32(sum / float64(c))
		}
	}
}

// linear flattens its input channels first, like PyTorch.
func (p *interpreter) linear(n *nn.Node, y, x []float32) {
	w, bias := p.role(n, nn.Weight), p.role(n, nn.Bias)
	in := n.In[0].Shape
	pixels := in.H * in.W
	for o := range y {
		sum := 0.0
		row := w[o*len(x):][:len(x)]
		for i, v := range x {
			sum += float64(v) * float64(row[i%in.C*pixels+i/in.C])
		}
		if n.Bias {
			sum += float64(bias[o])
		}
		y[o] = float32(sum)
	}
}

func (p *interpreter) concat(n *nn.Node, y []float32) {
	at := 0
	for _, part := range n.In {
		x, c := p.out[part.ID], part.Shape.C
		for i := range n.Shape.H * n.Shape.W {
			copy(y[i*n.Shape.C+at:], x[i*c:][:c])
		}
		at += c
	}
}

// rearrange copies pixels: Pad, Subsample and PadChannels.
func (p *interpreter) rearrange(n *nn.Node, y, x []float32) {
	in, out := n.In[0].Shape, n.Shape
	stride := n.Stride
	if n.Op != nn.Subsample {
		stride = nn.Square(1)
	}
	clear(y)
	for oy := range out.H {
		for ox := range out.W {
			iy, ix := oy*stride.H-n.Border.Top, ox*stride.W-n.Border.Left
			if iy < 0 || iy >= in.H || ix < 0 || ix >= in.W {
				continue
			}
			from, to := x[(iy*in.W+ix)*in.C:][:in.C], y[(oy*out.W+ox)*out.C:][:out.C]
			copy(to[max(0, n.Channels[0]):], from[max(0, -n.Channels[0]):])
		}
	}
}
