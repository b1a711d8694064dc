package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// attentions are the operators of transformers.
var attentions = map[string]operator{
	"Attention":       {least: 3, most: 7, since: 23, run: attention},
	"RotaryEmbedding": {least: 3, most: 4, since: 23, run: rotary},
}

// heads splits the last axis of a tensor of three dimensions into heads and returns it
// as (batch, heads, length, size). A tensor of four dimensions has that form already.
func (c *call) heads(i, heads int) *tensor.Tensor {
	x := c.in[i]
	switch s := x.Shape; {
	case x.Rank() == 4:
		return x
	case x.Rank() == 3 && heads > 0 && s[2]%heads == 0:
		x = x.Reshape([]int{s[0], s[1], heads, s[2] / heads})
		if !x.Known() {
			return tensor.Unknown(x.Type, []int{s[0], heads, s[1], s[2] / heads})
		}
		return x.Permute([]int{0, 2, 1, 3})
	}
	c.fail("input %d of shape %v cannot be split into %d heads", i, x.Shape, heads)
	return nil
}

// attention computes softmax(q*k'*scale + mask)*v. Groups of query heads may share a
// key head. Caches of keys and values are not supported.
func attention(c *call) {
	if c.in[4] != nil || c.in[5] != nil {
		c.fail("caches of keys and values are not supported")
		return
	}
	keyHeads := c.int("kv_num_heads", 0)
	q, k, v := c.heads(0, c.int("q_num_heads", 0)), c.heads(1, keyHeads), c.heads(2, keyHeads)
	if c.err != nil {
		return
	}
	batch, heads, rows, size := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
	cols, valueSize := k.Shape[2], v.Shape[3]
	if !slices.Equal(k.Shape, []int{batch, k.Shape[1], cols, size}) || !slices.Equal(v.Shape[:3], k.Shape[:3]) ||
		k.Shape[1] == 0 || heads%k.Shape[1] != 0 || q.Type != k.Type || q.Type != v.Type {
		c.fail("query %v, key %v and value %v do not fit", q, k, v)
		return
	}
	shape := []int{batch, heads, rows, valueSize}
	if c.in[0].Rank() == 3 {
		shape = []int{batch, rows, heads * valueSize}
	}
	scale := c.float("scale", 1/math.Sqrt(float64(size)))
	softcap, causal := c.float("softcap", 0), c.int("is_causal", 0) != 0
	mask := c.mask([]int{batch, heads, rows, cols})
	c.channels(6, batch)
	if !c.plan(q.Type, shape) {
		return
	}
	c.cost(batch, heads, rows, cols, size+valueSize)
	if c.err != nil {
		return
	}
	qs, ks, vs := q.Float64s(), k.Permute([]int{0, 1, 3, 2}).Float64s(), v.Float64s()
	out := make([]float64, 0, batch*heads*rows*valueSize)
	for h := range batch * heads {
		shared := h / (heads / k.Shape[1]) // the head of keys and values
		scores := product(qs[h*rows*size:(h+1)*rows*size], ks[shared*size*cols:(shared+1)*size*cols], rows, size, cols)
		for i := range scores {
			if scores[i] *= scale; softcap > 0 {
				scores[i] = softcap * math.Tanh(scores[i]/softcap)
			}
			if mask != nil {
				scores[i] += mask[h*rows*cols+i]
			}
			if causal && i%cols > i/cols || i%cols >= c.keys(h/heads, cols) {
				scores[i] = math.Inf(-1)
			}
		}
		for row := range rows {
			softmaxLine(scores, row*cols, 1, cols, false)
		}
		out = append(out, product(scores, vs[shared*cols*valueSize:(shared+1)*cols*valueSize], rows, cols, valueSize)...)
	}
	y := tensor.Floats(q.Type, []int{batch, heads, rows, valueSize}, out)
	if c.in[0].Rank() == 3 {
		y = y.Permute([]int{0, 2, 1, 3}).Reshape(shape)
	}
	c.out[0] = y
}

// keys returns how many of the keys of an image are not padding.
func (c *call) keys(image, all int) int {
	if c.in[6] == nil {
		return all
	}
	return clamp(c.in[6].Int64s()[image])
}

// mask returns what is added to the scores, broadcast to their shape, or nil. A mask of
// bool hides what is false. A mask that is too short hides the keys that it lacks.
func (c *call) mask(shape []int) []float64 {
	m := c.in[3]
	if m == nil {
		return nil
	}
	if m.Rank() < 2 {
		c.fail("the mask %v has too few dimensions", m)
		return nil
	}
	own := slices.Clone(m.Shape)
	if own[len(own)-1] != 1 {
		own[len(own)-1] = max(own[len(own)-1], shape[3])
	}
	if full, ok := tensor.BroadcastShape(shape, own); !ok || !slices.Equal(full, shape) {
		c.fail("the mask %v does not fit %v", m, shape)
		return nil
	}
	if !m.Known() {
		return nil
	}
	values := slices.Clone(m.Float64s())
	if m.Type == onnx.Bool {
		for i, v := range values {
			values[i] = math.Log(v) // 0, or -Inf where it hides
		}
	}
	x := tensor.Floats(onnx.Float64, m.Shape, values)
	axes := every(own)
	for i := m.Shape[m.Rank()-1]; i < own[len(own)-1]; i++ {
		axes[len(own)-1][i] = tensor.Outside
	}
	hidden := tensor.Floats(onnx.Float64, nil, []float64{math.Inf(-1)})
	return x.Pick(axes, hidden).Broadcast(shape).Float64s()
}

// rotary rotates pairs of elements by angles that depend on the position ("RoFormer: Enhanced
// Transformer with Rotary Position Embedding").
func rotary(c *call) {
	x := c.heads(0, c.int("num_heads", 0))
	if c.err != nil {
		return
	}
	batch, heads, length, size := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	turned := c.int("rotary_embedding_dim", 0)
	if turned == 0 {
		turned = size
	}
	half, interleaved := turned/2, c.int("interleaved", 0) != 0
	cos, sin, at := c.in[1], c.in[2], c.in[3]
	if at == nil {
		c.tableShape(cos, []int{batch, length, half})
	} else if cos.Rank() == 2 {
		c.tableShape(cos, []int{cos.Shape[0], half})
		c.tableShape(at, []int{batch, length})
	} else {
		c.fail("its tables %v do not fit", cos)
	}
	c.tableShape(sin, cos.Shape)
	if turned > size || turned%2 != 0 {
		c.fail("it cannot rotate %d of %d elements", turned, size)
	}
	if !c.plan(c.in[0].Type, c.in[0].Shape) {
		return
	}
	cs, sn, v := cos.Float64s(), sin.Float64s(), x.Float64s()
	out := slices.Clone(v)
	for i := range batch * heads * length {
		position := i/(heads*length)*length + i%length
		if at != nil {
			position = c.index(at.Int64s()[position], cos.Shape[0])
		}
		for p := range half {
			a, b := p, p+half
			if interleaved {
				a, b = 2*p, 2*p+1
			}
			a, b = a+i*size, b+i*size
			cosine, sine := cs[position*half+p], sn[position*half+p]
			out[a], out[b] = cosine*v[a]-sine*v[b], sine*v[a]+cosine*v[b]
		}
	}
	y := tensor.Floats(x.Type, x.Shape, out)
	if c.in[0].Rank() == 3 {
		y = y.Permute([]int{0, 2, 1, 3}).Reshape(c.in[0].Shape)
	}
	c.out[0] = y
}

func (c *call) tableShape(x *tensor.Tensor, want []int) {
	if !slices.Equal(x.Shape, want) {
		c.fail("an input of shape %v should have %v", x.Shape, want)
	}
}
