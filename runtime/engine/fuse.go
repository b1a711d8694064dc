package engine

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// unit is a group of nodes that one step computes: a node and what can be done
// while its result is still in registers.
type unit struct {
	first *nn.Node
	norm  *nn.Node // batch norm folded into a convolution
	add   *nn.Node // addition of another node's output
	relu  bool
	last  *nn.Node
}

// residual returns the other summand of the unit's addition, or nil.
func (u *unit) residual() *nn.Node {
	if u.add == nil {
		return nil
	}
	if r := u.add.In[0]; r != u.inner() {
		return r
	}
	return u.add.In[1]
}

// inner returns the node that the unit's addition has as a summand.
func (u *unit) inner() *nn.Node {
	if u.norm != nil {
		return u.norm
	}
	return u.first
}

// scale returns the factor of the unit's own result in its addition, which is
// folded into the weights: a + scale*b.
func (u *unit) scale() float64 {
	if u.add != nil && u.add.In[1] == u.inner() {
		return u.add.Scale
	}
	return 1
}

// fuse groups the nodes of a graph, in the order in which they can be
// computed.
func fuse(g *nn.Graph) []*unit {
	users := make([][]*nn.Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, in := range n.In {
			users[in.ID] = append(users[in.ID], n)
		}
	}
	taken := make([]bool, len(g.Nodes))
	// next returns the only user of a node if it is of that kind and still free.
	next := func(n *nn.Node, op nn.Op) *nn.Node {
		if n == g.Output || len(users[n.ID]) != 1 {
			return nil
		}
		if u := users[n.ID][0]; u.Op == op && !taken[u.ID] {
			return u
		}
		return nil
	}
	byLast := make([]*unit, len(g.Nodes))
	for _, n := range g.Nodes {
		if taken[n.ID] {
			continue
		}
		u := &unit{first: n, last: n}
		take := func(n *nn.Node) *nn.Node {
			if n != nil {
				taken[n.ID], u.last = true, n
			}
			return n
		}
		if n.Op == nn.Conv {
			u.norm = take(next(u.last, nn.BatchNorm))
		}
		if add := next(u.last, nn.Add); add != nil && canAdd(u, add) {
			u.add = take(add)
		}
		switch n.Op {
		case nn.Conv, nn.Linear, nn.BatchNorm, nn.Mul, nn.Add:
			u.relu = take(next(u.last, nn.ReLU)) != nil
		}
		byLast[u.last.ID] = u
	}
	var units []*unit
	for _, u := range byLast {
		if u != nil {
			units = append(units, u)
		}
	}
	return units
}

// canAdd reports whether the unit's kernel can add something to its result.
func canAdd(u *unit, add *nn.Node) bool {
	switch u.first.Op {
	case nn.Conv:
		// The other summand must not be scaled, and depthwise has no residual.
		return (add.Scale == 1 || add.In[1] == u.inner()) && !depthwise(u.first)
	case nn.Mul:
		return add.Scale == 1
	}
	return false
}

// depthwise reports whether a convolution has one input channel a group and
// one output channel for each.
func depthwise(n *nn.Node) bool {
	return n.Op == nn.Conv && n.Groups == n.In[0].Shape.C && n.Groups == n.Shape.C && n.Groups > 1
}
