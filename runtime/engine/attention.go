package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Attention computes scaled dot-product attention.
var Attention = Operation{of(nn.AttentionOp), func(comp *compiler, s *site) (step, error) {
	return comp.attention(s.n, s.in, s.y)
}}

// MatMul multiplies two activations.
var MatMul = Operation{of(nn.MatMul), func(comp *compiler, s *site) (step, error) {
	return comp.matMul(s.n, s.in, s.y), nil
}}

// maxQueries is the number of queries in a block, whose scores stay in the L2 cache.
const maxQueries = 120

// attention computes nn.Attention as two products whose weights are activations. A part
// is a block of queries of one head and group. Its scores lie in planes of
// simd.Lanes keys.
type attention struct {
	set              *simd.Set
	q, k, v, y       operand
	heads, groups    int
	queries, keys    int // tokens in a group
	blocks           int // of queries
	scale            float32
	bias             []float32 // of the scores: minus infinity for keys that only fill a plane
	zero             []float32
	tables           [][]float32 // by head and group, laid out as all scores; nil without any
	rows, lastRows   []int32     // pixel offsets in a plane of scores, of whole blocks and of the last one
	step             int         // floats of a plane of scores
	scores, sums     []simd.Segment
	size             sizes
	gatherQ, scatter bool // heads are no whole planes
}

// sizes of the parts of the temporary memory, in floats.
type sizes struct{ keys, values, scores, queries, result int }

// operand is a tensor whose tokens are divided into groups and channels into heads.
type operand struct {
	*tensor
	channels int // of a head
	at       [][]int32
	position []int
}

func newOperand(t *tensor, heads, groups int) operand {
	o := operand{tensor: t, channels: t.shape.C / heads, position: t.positions()}
	tokens := t.h * t.w / groups
	for g := range groups {
		var at []int32
		for i := g * tokens; i < (g+1)*tokens; i++ {
			at = append(at, int32(t.index(i/t.w, i%t.w)))
		}
		o.at = append(o.at, at)
	}
	return o
}

// whole reports whether heads are whole planes.
func (o *operand) whole() bool { return o.channels%simd.Lanes == 0 && o.channel == nil }

// wide returns the channels of a head in whole planes.
func (o *operand) wide() int { return round(o.channels, simd.Lanes) }

// value returns the offset in the arena of a channel of a head, at pixel offset 0.
func (o *operand) value(head, channel int) int {
	p := o.position[head*o.channels+channel]
	return o.base(p/simd.Lanes) + p%simd.Lanes
}

func (comp *compiler) attention(n *nn.Node, in []*tensor, y *tensor) (step, error) {
	a := &attention{
		set: comp.set, heads: n.Heads, groups: n.Groups, scale: float32(n.Scale),
		q: newOperand(in[0], n.Heads, n.Groups), k: newOperand(in[1], n.Heads, n.Groups),
		v: newOperand(in[2], n.Heads, n.Groups), y: newOperand(y, n.Heads, n.Groups),
		queries: in[0].h * in[0].w / n.Groups, keys: in[1].h * in[1].w / n.Groups,
	}
	a.blocks = (a.queries + maxQueries - 1) / maxQueries
	a.gatherQ, a.scatter = !a.q.whole(), !a.y.whole()
	wide, block := round(a.keys, simd.Lanes), min(a.queries, maxQueries)
	a.step = (block | 1) * simd.Lanes
	a.bias, a.zero = make([]float32, wide), make([]float32, max(wide, a.v.wide()))
	for i := a.keys; i < wide; i++ {
		a.bias[i] = float32(math.Inf(-1))
	}
	for i := range block {
		a.rows = append(a.rows, int32(i*simd.Lanes))
	}
	a.lastRows = a.rows[:a.queries-(a.blocks-1)*maxQueries]
	a.scores, a.sums = []simd.Segment{{K: a.q.wide()}}, []simd.Segment{{K: wide}}
	a.size = sizes{
		keys: a.k.wide() * wide, values: wide * a.v.wide(), scores: wide / simd.Lanes * a.step,
		queries: a.q.wide() / simd.Lanes * a.step, result: a.v.wide() / simd.Lanes * a.step,
	}
	comp.reserve(a.size.keys + a.size.values + a.size.scores + a.size.queries + a.size.result + simd.Slack)
	return a, a.loadTables(comp, n)
}

// loadTables lays out the sums of the bias of each head and the mask of each group.
// Groups with the same mask share tables.
func (a *attention) loadTables(comp *compiler, n *nn.Node) error {
	if n.Tables == [2]int{} {
		return nil
	}
	size := a.queries * a.keys
	load := func(role nn.Role, tables int) (func(i int) []float32, error) {
		if tables == 0 {
			return func(int) []float32 { return nil }, nil
		}
		all, err := comp.param(n, role)
		return func(i int) []float32 { return all[i%tables*size:][:size] }, err
	}
	bias, err := load(nn.Bias, n.Tables[0])
	if err != nil {
		return err
	}
	mask, err := load(nn.Mask, n.Tables[1])
	if err != nil {
		return err
	}
	made := map[string][][]float32{}
	for g := range a.groups {
		key := string(floatBytes(mask(g)))
		if made[key] == nil {
			for h := range a.heads {
				made[key] = append(made[key], a.table(bias(h), mask(g)))
			}
		}
		a.tables = append(a.tables, made[key]...)
	}
	return nil
}

// floatBytes returns a key of numbers.
func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		u := math.Float32bits(f)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b
}

// table returns the sum of tables of (queries, keys), by [plane of keys][query][key].
func (a *attention) table(tables ...[]float32) []float32 {
	planes := round(a.keys, simd.Lanes) / simd.Lanes
	out := newFloats(planes * a.queries * simd.Lanes)
	for _, t := range tables {
		for i, v := range t {
			query, key := i/a.keys, i%a.keys
			out[(key/simd.Lanes*a.queries+query)*simd.Lanes+key%simd.Lanes] += v
		}
	}
	return out
}

func (a *attention) parts(int) int { return a.groups * a.heads * a.blocks }

func (a *attention) run(arena []float32, s *scratch, part, _ int) {
	block, head, group := part%a.blocks, part/a.blocks%a.heads, part/a.blocks/a.heads
	memory := s.floats
	cut := func(n int) []float32 {
		m := memory[:n]
		memory = memory[n:]
		return m
	}
	keys, values := cut(a.size.keys), cut(a.size.values)
	if held := group*a.heads + head + 1; s.held != held {
		s.held = held
		a.k.packColumns(arena, keys, a.set.Panel, head, group, a.keys, a.scale)
		a.v.packRows(arena, values, a.set.Panel, head, group, a.keys)
	}
	scores := cut(a.size.scores)
	first := block * maxQueries
	n := min(maxQueries, a.queries-first)
	rows := a.rows
	if block == a.blocks-1 {
		rows = a.lastRows
	}

	g := &s.gemm
	g.First, g.End, g.Accumulate, g.Floor = 0, n, false, simd.None
	g.Partials, g.Residual, g.Ahead = [2][]float32{}, nil, nil
	g.Segments = a.scores
	g.Out, g.YStep = rows, a.step
	if queries := cut(a.size.queries); a.gatherQ {
		a.q.gather(arena, queries, a.step, head, group, first, n)
		g.X, g.In, g.XStep = queries, rows, a.step
	} else {
		g.X, g.In, g.XStep = arena[a.q.value(head, 0):], a.q.at[group][first:], a.q.plane()
	}
	for column := 0; column < len(a.bias); {
		columns := min(a.set.Panel, len(a.bias)-column)
		plane := column / simd.Lanes
		g.W, g.Bias, g.Y = keys[column*a.q.wide():], a.bias[column:], scores[plane*a.step:]
		if a.tables != nil {
			g.Residual, g.ResidualAt = a.tables[group*a.heads+head][(plane*a.queries+first)*simd.Lanes:], rows
			g.ResidualStep = a.queries * simd.Lanes
		}
		a.set.Multiply(g, columns)
		column += columns
	}
	softmaxRow(a.set, s, scores, rows, a.step, len(a.bias)/simd.Lanes, n)

	g.Segments, g.Residual = a.sums, nil
	g.X, g.In, g.XStep = scores, rows, a.step
	result := cut(a.size.result)
	for column := 0; column < a.v.wide(); {
		columns := min(a.set.Panel, a.v.wide()-column)
		g.W, g.Bias = values[column*len(a.bias):], a.zero
		if a.scatter {
			g.Y, g.Out, g.YStep = result[column/simd.Lanes*a.step:], rows, a.step
		} else {
			g.Y, g.Out, g.YStep = arena[a.y.value(head, column):], a.y.at[group][first:], a.y.plane()
		}
		a.set.Multiply(g, columns)
		column += columns
	}
	if a.scatter {
		a.y.scatterTo(arena, result, a.step, head, group, first, n)
	}
	if part == 0 {
		a.y.clearRest(arena)
	}
}

// packColumns packs the tokens of a head and group, times a factor, as the columns of
// panels of weights: [panel][channel][token].
func (o *operand) packColumns(arena, w []float32, panel, head, group, tokens int, factor float32) {
	wide := round(tokens, simd.Lanes)
	at := o.at[group][:tokens]
	clear(w)
	for channel := range o.channels {
		x := arena[o.value(head, channel):]
		for first := 0; first < tokens; first += panel {
			columns := min(panel, wide-first)
			row := w[first*o.wide()+channel*columns:]
			for i, p := range at[first:min(first+panel, tokens)] {
				row[i] = x[p] * factor
			}
		}
	}
}

// packRows packs the tokens of a head and group as the rows of panels of weights:
// [panel][token][channel].
func (o *operand) packRows(arena, w []float32, panel, head, group, tokens int) {
	rows := round(tokens, simd.Lanes)
	for first := 0; first < o.wide(); {
		columns := min(panel, o.wide()-first)
		p := w[first*rows:][:rows*columns]
		clear(p[tokens*columns:])
		for column := 0; column < columns; column += simd.Lanes {
			o.copyPlane(arena, p[column:], columns, head, group, first+column, tokens)
		}
		first += columns
	}
}

// copyPlane copies simd.Lanes channels of a head, for all tokens of a group. Tokens lie
// step values apart.
func (o *operand) copyPlane(arena, to []float32, step, head, group, channel, tokens int) {
	at := o.at[group][:tokens]
	if o.whole() {
		x := arena[o.value(head, channel):]
		for i, p := range at {
			*(*[simd.Lanes]float32)(to[i*step:]) = *(*[simd.Lanes]float32)(x[p:])
		}
		return
	}
	for i := range at {
		clear(to[i*step:][:simd.Lanes])
	}
	for lane := range min(simd.Lanes, o.channels-channel) {
		x := arena[o.value(head, channel+lane):]
		for i, p := range at {
			to[i*step+lane] = x[p]
		}
	}
}

// gather copies some tokens of a head and group to planes.
func (o *operand) gather(arena, to []float32, step, head, group, first, n int) {
	for plane := range o.wide() / simd.Lanes {
		for i := range n {
			clear(to[plane*step+i*simd.Lanes:][:simd.Lanes])
		}
	}
	for channel := range o.channels {
		x, plane := arena[o.value(head, channel):], to[channel/simd.Lanes*step+channel%simd.Lanes:]
		for i, p := range o.at[group][first:][:n] {
			plane[i*simd.Lanes] = x[p]
		}
	}
}

// scatterTo copies planes to some tokens of a head and group.
func (o *operand) scatterTo(arena, from []float32, step, head, group, first, n int) {
	for channel := range o.channels {
		y, plane := arena[o.value(head, channel):], from[channel/simd.Lanes*step+channel%simd.Lanes:]
		for i, p := range o.at[group][first:][:n] {
			y[p] = plane[i*simd.Lanes]
		}
	}
}

// clearRest clears the borders and the positions that hold no channel.
func (o *operand) clearRest(arena []float32) {
	for plane := range o.count() {
		for y := range o.h {
			o.clearEmpty(o.line(arena, plane, y), plane)
		}
		o.clearBorder(arena, plane)
	}
}

// matMul computes nn.MatMul: y's tokens of a group are the weights.
type matMul struct {
	set          *simd.Set
	a, b, y      operand
	groups       int
	rows, inputs int // tokens in a group of a, and of b
	segments     []simd.Segment
	zero         []float32
}

func (comp *compiler) matMul(n *nn.Node, in []*tensor, y *tensor) step {
	m := &matMul{
		set: comp.set, groups: n.Groups,
		a: newOperand(in[0], 1, n.Groups), b: newOperand(in[1], 1, n.Groups), y: newOperand(y, 1, n.Groups),
		rows: in[0].h * in[0].w / n.Groups, inputs: in[1].h * in[1].w / n.Groups,
	}
	wide := round(m.inputs, simd.Lanes)
	m.segments, m.zero = []simd.Segment{{K: wide}}, make([]float32, m.b.wide())
	comp.reserve(wide*m.b.wide() + simd.Slack)
	return m
}

func (m *matMul) parts(int) int { return m.groups }

func (m *matMul) run(arena []float32, s *scratch, group, _ int) {
	w, wide := s.floats, m.segments[0].K
	m.b.packRows(arena, w, m.set.Panel, 0, group, m.inputs)
	g := &s.gemm
	g.First, g.End, g.Accumulate, g.Floor = 0, m.rows, false, simd.None
	g.Partials, g.Residual, g.Ahead = [2][]float32{}, nil, nil
	g.Segments = m.segments
	g.X, g.In, g.XStep = arena[m.a.base(0):], m.a.at[group], m.a.plane()
	for column := 0; column < m.b.wide(); {
		columns := min(m.set.Panel, m.b.wide()-column)
		g.W, g.Bias = w[column*wide:], m.zero
		g.Y, g.Out, g.YStep = arena[m.y.base(column/simd.Lanes):], m.y.at[group], m.y.plane()
		m.set.Multiply(g, columns)
		column += columns
	}
	if group == 0 {
		for plane := range m.y.count() {
			m.y.clearBorder(arena, plane)
		}
	}
}
