package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// findNeeds marks the nodes whose gradient is needed, because the node or a node that it
// depends on has trained parameters.
func (t *tape) findNeeds(g *nn.Graph) {
	t.needs = make([]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, p := range n.Params() {
			if p.Role.Trainable() && !t.model.params[p.Name].frozen {
				t.needs[n.ID] = true
			}
		}
		for _, in := range n.In {
			t.needs[n.ID] = t.needs[n.ID] || t.needs[in.ID]
		}
	}
}

// differentiate adds the backward half of the tape, from the gradient of the logits on.
func (t *tape) differentiate(g *nn.Graph, layers []layer, dlogits *value) {
	t.grads = map[*nn.Node]*value{}
	t.give(g.Output, dlogits)
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		dy := t.grads[n]
		if dy == nil {
			continue
		}
		delete(t.grads, n)
		dy.mem.holders--
		t.current = n
		layers[i].backward(t, dy)
	}
}

// give adds v to the gradient of a node's output, if that gradient is needed. The caller
// must not read v afterwards. A layer that gives v to two nodes increments
// v.mem.holders while it gives v to the first, so that v keeps its value.
func (t *tape) give(n *nn.Node, v *value) {
	if !t.needs[n.ID] {
		return
	}
	if old := t.grads[n]; old != nil {
		old.mem.holders--
		out := t.like(n.Shape)
		if v.mem.holders == 0 {
			out = t.over(v)
		} else if old.mem.holders == 0 {
			out = t.over(old)
		}
		v = t.apply("sum of gradients of", out, []*value{old, v}, func(out []float32, in [][]float32) {
			t.elements(len(out), func(i, j int) {
				t.AddScaled(out[i:j], in[0][i:j], in[1][i:j], 1, simd.None)
			})
		})
	}
	v.mem.holders++
	t.grads[n] = v
}

// pending removes and returns the gradient that a node has so far, so that the caller can
// add to it in its memory and give the node the sum. It returns nil if there is none, or
// if another node shares the memory.
func (t *tape) pending(n *nn.Node) *value {
	old := t.grads[n]
	if old == nil || old.mem.holders > 1 {
		return nil
	}
	old.mem.holders--
	delete(t.grads, n)
	return old
}

// reuse returns a new value of dy's shape, in dy's memory unless another node still needs
// dy.
func (t *tape) reuse(dy *value) *value {
	if dy.mem.holders == 0 {
		return t.over(dy)
	}
	return t.like(dy.shape)
}
