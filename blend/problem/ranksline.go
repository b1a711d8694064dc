package problem

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/metric"
)

// maxPasses is the number of pairs that may change their order on a line for an exact
// search.
const maxPasses = 1 << 17

// Line returns the best point between u and v. The score changes only where a true row
// passes another row. Line collects these places and sweeps them as [Sign.Line] does;
// each pass changes what is below one or two groups of rows. Groups are the true rows
// whose scores are equal all along the line, with the other rows equal to them.
//
// If more than maxPasses pairs pass each other, Line samples the line: it scores five
// evenly spaced places, and the vertex of the parabola through the best of them and
// its neighbors. Around the best of all it searches exactly, as far as maxPasses pairs
// reach.
func (r *Ranks) Line(u, v []float64) Best {
	l := &ranksLine{Ranks: r}
	if !l.collect(u, v) {
		return r.sampled(u, v)
	}
	b := l.sweep()
	best := Best{(float64(b.from) + float64(b.to)) / 2 / unit, b.score}
	// Where rows are equal at an end, the end differs from its surroundings. In a large
	// problem, a few equal rows matter too little to score ends that are not beside the
	// best piece.
	all := !r.large()
	if beside := b.to == end; beside || all {
		if s := r.Score(v); better(s, best.Score, beside) {
			best = Best{1, s}
		}
	}
	if beside := b.from == 0; beside || all {
		if s := r.Score(u); better(s, best.Score, beside) {
			best = Best{0, s}
		}
	}
	return best
}

// sampled returns the best place of a line on which too many rows pass each other.
func (r *Ranks) sampled(u, v []float64) Best {
	const places = 4
	best := Best{Score: math.Inf(-1)}
	try := func(at float64) float64 {
		s := r.Score(Between(u, v, at))
		if s > best.Score {
			best = Best{at, s}
		}
		return s
	}
	var scores [places + 1]float64
	top := 0
	for i := range scores {
		if scores[i] = try(float64(i) / places); scores[i] > scores[top] {
			top = i
		}
	}
	if top > 0 && top < places {
		left, right := scores[top]-scores[top-1], scores[top]-scores[top+1]
		if left+right > 0 {
			try((float64(top) + (left-right)/(left+right)/2) / places)
		}
	}
	l := &ranksLine{Ranks: r}
	for width := 1.0 / 16; ; width /= 4 {
		from, to := max(best.At-width/2, 0), min(best.At+width/2, 1)
		if l.collect(Between(u, v, from), Between(u, v, to)) {
			b := l.sweep()
			try(from + (to-from)*(float64(b.from)+float64(b.to))/2/unit)
			return best
		}
	}
}

// end is the last place of a line, just beside v.
const end = unit - 1

// better reports whether an end of a line with score s is better than the best place
// inside, or as good and beside it. The score of a place has rounding errors.
func better(s, best float64, beside bool) bool {
	const rounding = 1e-12
	return s > best+rounding || beside && s >= best-rounding
}

// ranksLine is the state of one line.
type ranksLine struct {
	*Ranks
	passes atomic.Int64
	lines  []classLine // by class that counts
}

// classLine holds the groups and passes of a class.
type classLine struct {
	groups         []metric.Ties // just beside u, in ascending order of score
	truths, falses float64
	passes         []pass
	places         []uint64 // of the passes, in units of 2^-32
}

// pass is a change of what is below a group.
type pass struct {
	group                 int32
	trueBelow, falseBelow int32
}

// collect fills the lines of all classes. It reports whether the passes are not too
// many.
func (l *ranksLine) collect(u, v []float64) bool {
	l.passes.Store(0)
	l.lines = make([]classLine, len(l.counted))
	l.parallel(len(l.counted), func(i int, m *ranksMemory) {
		if l.passes.Load() > maxPasses {
			return
		}
		l.blended(m.u, l.counted[i], u)
		l.blended(m.v, l.counted[i], v)
		l.lines[i].collect(l, l.counted[i], m)
	})
	return l.passes.Load() <= maxPasses
}

// group is a group of rows with equal scores all along the line.
type group struct{ u, v float64 }

func (g group) compare(h group) int { return cmp.Or(cmp.Compare(g.u, h.u), cmp.Compare(g.v, h.v)) }

// collect finds the groups of a class in the order just beside u, and the rows that pass
// them. m holds the scores at u and v.
func (c *classLine) collect(l *ranksLine, class int, m *ranksMemory) {
	var groups []group
	isTrue := zeros(m.all, len(m.u))
	l.eachTrue(class, func(row int) {
		isTrue[row] = 1
		groups = append(groups, group{m.u[row], m.v[row]})
	})
	m.all = isTrue
	slices.SortFunc(groups, group.compare)
	c.truths, c.falses = float64(len(groups)), float64(len(m.u)-len(groups))
	distinct := groups[:0]
	for i, g := range groups {
		if i == 0 || g != distinct[len(distinct)-1] {
			distinct = append(distinct, g)
			c.groups = append(c.groups, metric.Ties{})
		}
		c.groups[len(c.groups)-1].True++
	}
	groups = distinct
	order := newPassing(groups)
	for row, at := range m.u {
		if isTrue[row] == 1 {
			continue
		}
		x := group{at, m.v[row]}
		i := order.find(x)
		if i < len(groups) && groups[i] == x {
			c.groups[i].False++
			continue
		}
		if i < len(groups) {
			c.groups[i].FalseBelow++
		}
		order.before(i, x.v, func(k int) { c.add(groups[k], x, pass{int32(k), 0, 1}) })
		order.from(i, x.v, func(k int) { c.add(groups[k], x, pass{int32(k), 0, -1}) })
		if len(c.passes) > maxPasses {
			break
		}
	}
	for i, g := range groups {
		if len(c.passes) > maxPasses {
			break
		}
		order.before(i, g.v, func(k int) {
			a, b := c.groups[i], c.groups[k]
			if l.metric.Name == metric.ROCAUC && a.False == 0 && b.False == 0 {
				return // it depends on the other rows alone
			}
			c.add(groups[k], g, pass{int32(k), int32(a.True), int32(a.False)})
			c.add(groups[k], g, pass{int32(i), int32(-b.True), int32(-b.False)})
		})
	}
	l.passes.Add(int64(len(c.passes)))
	// FalseBelow holds the rows just below each group; now it becomes all below.
	var below metric.Ties
	for i := range c.groups {
		g := &c.groups[i]
		below.FalseBelow += g.FalseBelow
		g.TrueBelow, g.FalseBelow = below.TrueBelow, below.FalseBelow
		below.TrueBelow += g.True
		below.FalseBelow += g.False
	}
}

// add adds a pass at the place where x and y are equal.
func (c *classLine) add(x, y group, p pass) {
	from, to := x.u-y.u, x.v-y.v
	c.places = append(c.places, min(uint64(from/(from-to)*unit), unit-1))
	c.passes = append(c.passes, p)
}

// passing finds the groups that a row passes, in the order of their scores at u. It
// knows the extreme scores at v of the groups before and from each, and of whole blocks.
type passing struct {
	groups          []group
	scores          ladder    // of the groups at u
	highest, lowest []float64 // before each group, and from it on
	high, low       []float64 // by block
}

// groupBlock is the number of groups in a block.
const groupBlock = 64

func newPassing(groups []group) *passing {
	n := len(groups)
	p := &passing{groups: groups, highest: make([]float64, n+1), lowest: make([]float64, n+1)}
	p.highest[0], p.lowest[n] = math.Inf(-1), math.Inf(1)
	for i, g := range groups {
		p.scores = append(p.scores, key(g.u))
		p.highest[i+1] = max(p.highest[i], g.v)
		if i%groupBlock == 0 {
			p.high, p.low = append(p.high, g.v), append(p.low, g.v)
		}
		b := i / groupBlock
		p.high[b], p.low[b] = max(p.high[b], g.v), min(p.low[b], g.v)
	}
	for i := n - 1; i >= 0; i-- {
		p.lowest[i] = min(p.lowest[i+1], groups[i].v)
	}
	return p
}

// find returns the number of groups before x.
func (p *passing) find(x group) int {
	at := p.scores.below(key(x.u))
	for at < len(p.groups) && p.groups[at].compare(x) < 0 {
		at++
	}
	return at
}

// before calls do with the groups before i whose score at v is above v.
func (p *passing) before(i int, v float64, do func(k int)) {
	for k := i - 1; k >= 0 && p.highest[k+1] > v; k-- {
		if k%groupBlock == groupBlock-1 && p.high[k/groupBlock] <= v {
			k -= groupBlock - 1
		} else if p.groups[k].v > v {
			do(k)
		}
	}
}

// from calls do with the groups from i on whose score at v is below v.
func (p *passing) from(i int, v float64, do func(k int)) {
	for k := i; k < len(p.groups) && p.lowest[k] < v; k++ {
		if k%groupBlock == 0 && p.low[k/groupBlock] >= v {
			k += groupBlock - 1
		} else if p.groups[k].v < v {
			do(k)
		}
	}
}

// sweep passes all places in order and returns the best piece of the line.
func (l *ranksLine) sweep() best {
	var memory scratch
	type source struct{ line, pass int32 }
	var sources []source
	classes := float64(max(len(l.lines), 1))
	sum := 0.0
	for i := range l.lines {
		c := &l.lines[i]
		for _, g := range c.groups {
			sum += l.metric.Share(g, c.truths, c.falses)
		}
		for k, p := range c.places {
			memory.events = append(memory.events, p<<32|uint64(len(sources)))
			sources = append(sources, source{int32(i), int32(k)})
		}
	}
	sortEvents(&memory)
	b := best{score: math.Inf(-1)}
	last := uint64(0)
	for _, e := range memory.events {
		if p := place(e); p != last {
			b.offer(sum/classes, last, p)
			last = p
		}
		s := sources[uint32(e)]
		c := &l.lines[s.line]
		p := c.passes[s.pass]
		g := &c.groups[p.group]
		before := l.metric.Share(*g, c.truths, c.falses)
		g.TrueBelow += float64(p.trueBelow)
		g.FalseBelow += float64(p.falseBelow)
		sum += l.metric.Share(*g, c.truths, c.falses) - before
	}
	b.offer(sum/classes, last, end)
	return b
}
