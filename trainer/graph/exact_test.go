package graph_test

import (
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// exact is the oracle of the gradients: a simple network in training, in float64. The
// layout of activations is (C, images, H, W), so that a convolution is a matrix product.
//
// Gradients are not continuous in the weights. If the input of a ReLU is nearly 0, or two
// values under a maximum are nearly equal, rounding decides. Therefore exact can take the
// sides of another run.
type exact struct {
	network *nn.Graph
	n       int
	params  map[string][]float64
	grads   map[string][]float64
	loss    float64
	logits  []float64   // (images, classes)
	y, dy   [][]float64 // by node
	chosen  [][]int     // the inputs that are the maxima
	// sides are the outputs of a run whose ReLUs and maxima decide; nil means this run.
	sides [][]float32
}

// newExact returns the oracle of g for n images, with the weights of package golden.
func newExact(g *nn.Graph, n int) *exact {
	e := &exact{
		network: g, n: n, params: map[string][]float64{}, grads: map[string][]float64{},
		y: make([][]float64, len(g.Nodes)), dy: make([][]float64, len(g.Nodes)), chosen: make([][]int, len(g.Nodes)),
	}
	for _, p := range g.Params() {
		if p.Role.Trainable() {
			for _, v := range golden.Tensor(p.Name, p.Shape...) {
				e.params[p.Name] = append(e.params[p.Name], float64(v))
			}
			e.grads[p.Name] = make([]float64, len(e.params[p.Name]))
		}
	}
	return e
}

// step computes loss, logits and gradients; images are (images, C, H, W).
func (e *exact) step(images, labels []float32) {
	in := e.network.Input.Shape
	x := make([]float64, len(images))
	for i, v := range images {
		p := in.H * in.W
		x[(i/p%in.C*e.n+i/in.Len())*p+i%p] = float64(v)
	}
	z := e.forward(x)
	classes := e.network.Classes()
	d := make([]float64, len(z))
	e.logits = make([]float64, len(z))
	for i := range z {
		c, image := i/e.n, i%e.n
		e.logits[image*classes+c] = z[i]
		y := float64(labels[image*classes+c])
		e.loss += (max(z[i], 0) - z[i]*y + math.Log1p(math.Exp(-math.Abs(z[i])))) / float64(len(z))
		d[i] = (1/(1+math.Exp(-z[i])) - y) / float64(len(z))
	}
	e.backward(d)
}

// pixels returns the values of a channel of all images.
func (e *exact) pixels(n *nn.Node) int { return e.n * n.Shape.H * n.Shape.W }

// forward computes the logits, (classes, images).
func (e *exact) forward(images []float64) []float64 {
	for _, n := range e.network.Nodes {
		y := make([]float64, n.Shape.C*e.pixels(n))
		e.y[n.ID], e.dy[n.ID] = y, make([]float64, len(y))
		if n.Op == nn.Input {
			copy(y, images)
		} else {
			e.node(n, y)
		}
	}
	return e.y[e.network.Output.ID]
}

// backward computes the gradients of the parameters from the gradient of the logits.
func (e *exact) backward(dlogits []float64) {
	copy(e.dy[e.network.Output.ID], dlogits)
	for i := len(e.network.Nodes) - 1; i > 0; i-- {
		e.back(e.network.Nodes[i])
	}
}

// node computes a node's output.
func (e *exact) node(n *nn.Node, y []float64) {
	x, p, q := e.y[n.In[0].ID], e.pixels(n), e.pixels(n.In[0])
	switch n.Op {
	case nn.Conv, nn.Linear:
		e.conv(n, y, x)
	case nn.BatchNorm:
		for c := range n.Shape.C {
			mean, gain := moments(x[c*p:][:p], n.Eps)
			for i, v := range x[c*p:][:p] {
				y[c*p+i] = (v-mean)*gain*e.params[n.Name+".weight"][c] + e.params[n.Name+".bias"][c]
			}
		}
	case nn.ReLU:
		for i, v := range x {
			if e.positive(n, i, v) {
				y[i] = v
			}
		}
	case nn.Sigmoid:
		for i, v := range x {
			y[i] = 1 / (1 + math.Exp(-v))
		}
	case nn.Add:
		for i, v := range e.y[n.In[1].ID] {
			y[i] = x[i] + n.Scale*v
		}
	case nn.Mul:
		gate := e.y[n.In[1].ID]
		for i, v := range x {
			y[i] = v * gate[e.gate(n, i)]
		}
	case nn.MaxPool, nn.GlobalMaxPool, nn.ChannelMax:
		e.chosen[n.ID] = e.choose(n)
		for i, j := range e.chosen[n.ID] {
			y[i] = x[j]
		}
	case nn.AvgPool, nn.GlobalAvgPool, nn.ChannelMean:
		e.windows(n, func(i, j, count int) { y[i] += x[j] / float64(count) })
	case nn.Concat:
		for _, in := range n.In {
			y = y[copy(y, e.y[in.ID]):]
		}
	case nn.Pad, nn.Subsample:
		e.move(n, func(i, j int) { y[i] = x[j] })
	case nn.PadChannels:
		copy(y[n.Channels[0]*q:], x)
	case nn.Dropout:
		copy(y, x)
	default:
		panic(n.Op)
	}
}

// back adds to the gradients of a node's inputs and parameters.
func (e *exact) back(n *nn.Node) {
	x, dx, dy, p, q := e.y[n.In[0].ID], e.dy[n.In[0].ID], e.dy[n.ID], e.pixels(n), e.pixels(n.In[0])
	switch n.Op {
	case nn.Conv, nn.Linear:
		e.convBack(n, dx, dy, x)
	case nn.BatchNorm:
		gamma, dgamma, dbeta := e.params[n.Name+".weight"], e.grads[n.Name+".weight"], e.grads[n.Name+".bias"]
		for c := range n.Shape.C {
			x, dx, dy := x[c*p:][:p], dx[c*p:][:p], dy[c*p:][:p]
			mean, gain := moments(x, n.Eps)
			var sum, dot float64
			for i, d := range dy {
				sum += d
				dot += d * (x[i] - mean) * gain
			}
			dgamma[c] += dot
			dbeta[c] += sum
			for i, d := range dy {
				dx[i] += gamma[c] * gain * (d - sum/float64(p) - (x[i]-mean)*gain*dot/float64(p))
			}
		}
	case nn.ReLU:
		for i, d := range dy {
			if e.positive(n, i, x[i]) {
				dx[i] += d
			}
		}
	case nn.Sigmoid:
		for i, s := range e.y[n.ID] {
			dx[i] += dy[i] * s * (1 - s)
		}
	case nn.Add:
		second := e.dy[n.In[1].ID]
		for i, d := range dy {
			dx[i] += d
			second[i] += n.Scale * d
		}
	case nn.Mul:
		gate, dgate := e.y[n.In[1].ID], e.dy[n.In[1].ID]
		for i, d := range dy {
			j := e.gate(n, i)
			dx[i] += d * gate[j]
			dgate[j] += d * x[i]
		}
	case nn.MaxPool, nn.GlobalMaxPool, nn.ChannelMax:
		for i, j := range e.chosen[n.ID] {
			dx[j] += dy[i]
		}
	case nn.AvgPool, nn.GlobalAvgPool, nn.ChannelMean:
		e.windows(n, func(i, j, count int) { dx[j] += dy[i] / float64(count) })
	case nn.Concat:
		for _, in := range n.In {
			for i := range e.dy[in.ID] {
				e.dy[in.ID][i] += dy[i]
			}
			dy = dy[len(e.dy[in.ID]):]
		}
	case nn.Pad, nn.Subsample:
		e.move(n, func(i, j int) { dx[j] += dy[i] })
	case nn.PadChannels:
		for i := range dx {
			dx[i] += dy[n.Channels[0]*q+i]
		}
	case nn.Dropout:
		for i, d := range dy {
			dx[i] += d
		}
	}
}

// moments returns the mean and 1/sqrt(variance + eps).
func moments(x []float64, eps float64) (mean, gain float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	var squares float64
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return mean, 1 / math.Sqrt(squares/float64(len(x))+eps)
}

// positive reports whether a ReLU passes value i, which is v.
func (e *exact) positive(n *nn.Node, i int, v float64) bool {
	if e.sides == nil {
		return v > 0
	}
	return e.sides[n.ID][i] > 0
}

// gate returns the index of the gate of value i.
func (e *exact) gate(n *nn.Node, i int) int {
	if n.In[1].Shape.C == 1 && n.Shape.C > 1 {
		return i % e.pixels(n)
	}
	return i / (n.Shape.H * n.Shape.W)
}

// windows calls f for every output value i and every input value j of its window, with the
// divisor of a mean (torch.nn.AvgPool2d).
func (e *exact) windows(n *nn.Node, f func(i, j, count int)) {
	in := n.In[0].Shape
	if n.Op == nn.ChannelMean || n.Op == nn.ChannelMax {
		for i := range e.pixels(n) {
			for c := range in.C {
				f(i, c*e.pixels(n)+i, in.C)
			}
		}
		return
	}
	k, s, pad := n.Window, n.Stride, n.Pad
	if n.Op == nn.GlobalAvgPool || n.Op == nn.GlobalMaxPool {
		k, s = nn.HW{H: in.H, W: in.W}, nn.Square(1)
	}
	i := 0
	for c := range in.C * e.n {
		for oy := range n.Shape.H {
			for ox := range n.Shape.W {
				top, left := oy*s.H-pad.H, ox*s.W-pad.W
				bottom, right := min(top+k.H, in.H+pad.H), min(left+k.W, in.W+pad.W)
				count := (bottom - top) * (right - left)
				top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, in.H), min(right, in.W)
				if !n.CountIncludePad {
					count = (bottom - top) * (right - left)
				}
				for y := top; y < bottom; y++ {
					for x := left; x < right; x++ {
						f(i, (c*in.H+y)*in.W+x, count)
					}
				}
				i++
			}
		}
	}
}

// choose returns the index of the largest value of every window, the first of equal ones.
func (e *exact) choose(n *nn.Node) []int {
	x := e.y[n.In[0].ID]
	larger := func(a, b int) bool { return x[a] > x[b] }
	if e.sides != nil {
		s := e.sides[n.In[0].ID]
		larger = func(a, b int) bool { return s[a] > s[b] }
	}
	best := make([]int, len(e.y[n.ID]))
	for i := range best {
		best[i] = -1
	}
	e.windows(n, func(i, j, _ int) {
		if best[i] < 0 || larger(j, best[i]) {
			best[i] = j
		}
	})
	return best
}

// move calls f for every output value i that is a copy of an input value j.
func (e *exact) move(n *nn.Node, f func(i, j int)) {
	in, s := n.In[0].Shape, n.Stride
	if n.Op == nn.Pad {
		s = nn.Square(1)
	}
	i := 0
	for c := range in.C * e.n {
		for oy := range n.Shape.H {
			for ox := range n.Shape.W {
				y, x := oy*s.H-n.Border.Top, ox*s.W-n.Border.Left
				if y >= 0 && y < in.H && x >= 0 && x < in.W {
					f(i, (c*in.H+y)*in.W+x)
				}
				i++
			}
		}
	}
}

// matrices calls f for every group of a convolution with the group's weights,
// (out, values), its part of the output, and the input values of every output pixel,
// (values, pixels). at maps such a value (i, j) to its index in the input, or to -1 in the
// padding.
func (e *exact) matrices(n *nn.Node, f func(first, out int, w blas64.General, values, pixels int, at []int)) {
	in, groups, k, s, pad := n.In[0].Shape, n.Groups, n.Window, n.Stride, n.Pad
	if n.Op == nn.Linear {
		groups, k, s = 1, nn.HW{H: in.H, W: in.W}, nn.Square(1)
	}
	values, out, pixels := in.C/groups*k.H*k.W, n.Shape.C/groups, e.pixels(n)
	at := make([]int, values*pixels)
	for g := range groups {
		i := 0
		for v := range values {
			c, ky, kx := g*in.C/groups+v/(k.H*k.W), v/k.W%k.H, v%k.W
			for image := range e.n {
				for oy := range n.Shape.H {
					for ox := range n.Shape.W {
						y, x := oy*s.H-pad.H+ky, ox*s.W-pad.W+kx
						at[i] = -1
						if y >= 0 && y < in.H && x >= 0 && x < in.W {
							at[i] = ((c*e.n+image)*in.H+y)*in.W + x
						}
						i++
					}
				}
			}
		}
		f(g*out, out, general(out, values, e.params[n.Name+".weight"][g*out*values:]), values, pixels, at)
	}
}

func general(rows, cols int, data []float64) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: data[:rows*cols]}
}

// gather returns the values at the indices, and 0 for index -1.
func gather(rows, cols int, x []float64, at []int) blas64.General {
	m := general(rows, cols, make([]float64, rows*cols))
	for i, j := range at {
		if j >= 0 {
			m.Data[i] = x[j]
		}
	}
	return m
}

func (e *exact) conv(n *nn.Node, y, x []float64) {
	p := e.pixels(n)
	if bias := e.params[n.Name+".bias"]; bias != nil {
		for i := range y {
			y[i] = bias[i/p]
		}
	}
	e.matrices(n, func(first, out int, w blas64.General, values, pixels int, at []int) {
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, w, gather(values, pixels, x, at), 1, general(out, pixels, y[first*p:]))
	})
}

func (e *exact) convBack(n *nn.Node, dx, dy, x []float64) {
	p := e.pixels(n)
	if dbias := e.grads[n.Name+".bias"]; dbias != nil {
		for i, d := range dy {
			dbias[i/p] += d
		}
	}
	e.matrices(n, func(first, out int, w blas64.General, values, pixels int, at []int) {
		d := general(out, pixels, dy[first*p:])
		dw := general(out, values, e.grads[n.Name+".weight"][first*values:])
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, d, gather(values, pixels, x, at), 1, dw)
		parts := general(values, pixels, make([]float64, values*pixels))
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, w, d, 0, parts)
		for i, j := range at {
			if j >= 0 {
				dx[j] += parts.Data[i]
			}
		}
	})
}

// flips counts the inputs of ReLUs that have another sign in another run.
func (e *exact) flips(outputs [][]float32) int {
	flips := 0
	for _, n := range e.network.Nodes {
		if n.Op != nn.ReLU {
			continue
		}
		for i, v := range e.y[n.In[0].ID] {
			if v > 0 != (outputs[n.ID][i] > 0) {
				flips++
			}
		}
	}
	return flips
}

// arePyTorchs checks loss and gradients against PyTorch's in float64, which are known to
// nine digits.
func (e *exact) arePyTorchs(t *testing.T, want *reference) {
	t.Helper()
	if math.Abs(e.loss-want.Loss) > 1e-10 {
		t.Errorf("the exact loss is %.12g, PyTorch's %.12g", e.loss, want.Loss)
	}
	for name, f := range want.Grads {
		if norm, head := differs(f.figures, e.grads[name]); f.L2 > nothing && (norm > 1e-7 || head > 1e-7) {
			t.Errorf("the exact gradient of %s has a norm that differs by %.2g from PyTorch's, first values by %.2g", name, norm, head)
		}
	}
}

// nothing is the norm below which a gradient is 0 up to rounding, such as the gradient of
// a bias in front of a batch norm.
const nothing = 1e-8

// distance returns the distance of a vector to the exact one, relative to its norm, and
// the largest difference of a value, relative to the larger of the value and the root mean
// square. Vectors whose norms are below nothing are equal.
func distance(v []float32, exact []float64) (vector, value float64) {
	var squares, difference, length float64
	for i, x := range exact {
		d := float64(v[i]) - x
		length += float64(v[i]) * float64(v[i])
		squares += x * x
		difference += d * d
	}
	if max(length, squares) < nothing*nothing {
		return 0, 0
	}
	rms := math.Sqrt(squares / float64(len(exact)))
	for i, x := range exact {
		value = max(value, math.Abs(float64(v[i])-x)/max(rms, math.Abs(x)))
	}
	return math.Sqrt(difference / squares), value
}
