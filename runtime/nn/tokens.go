package nn

// The operations of this file compute with tokens: the pixels of an activation, row by
// row. Only prediction supports them.

// Attention holds the attributes of an attention. Heads and Groups default to 1.
type Attention struct {
	// Heads divide the channels, and Groups the tokens, into equal runs.
	Heads, Groups int
	// Scale is the factor of the scores.
	Scale float64
	// Bias and Mask are the number of tables that are added to the scores: none, one
	// for all, or one for each head, or group.
	Bias, Mask int
}

// Attention adds softmax(Scale*q*kT + bias + mask) * v for each head and group, where kT
// is the transpose of k. Rows are tokens, and columns are channels of a head. The output
// has the pixels of q.
func (b *Builder) Attention(name string, q, k, v *Node, a Attention) *Node {
	n := &Node{
		Op: AttentionOp, Name: b.claim(name), In: []*Node{q, k, v}, Shape: Shape{v.Shape.C, q.Shape.H, q.Shape.W},
		Heads: max(1, a.Heads), Groups: max(1, a.Groups), Scale: a.Scale, Tables: [2]int{a.Bias, a.Mask},
	}
	divides := q.Shape.C%n.Heads == 0 && v.Shape.C%n.Heads == 0 && q.tokens()%n.Groups == 0 && k.tokens()%n.Groups == 0
	if !divides || q.Shape.C != k.Shape.C || k.tokens() != v.tokens() || !tables(a.Bias, n.Heads) || !tables(a.Mask, n.Groups) {
		b.fail("%s: %+v of %v, %v and %v", n.Name, a, q.Shape, k.Shape, v.Shape)
		n.Heads, n.Groups, n.Tables = 1, 1, [2]int{}
	}
	return b.add(n)
}

func tables(n, most int) bool { return n == 0 || n == 1 || n == most }

func (n *Node) tokens() int { return n.Shape.H * n.Shape.W }

// scores returns the shape of so many tables of scores of an attention.
func (n *Node) scores(tables int) []int {
	return []int{tables, n.In[0].tokens() / n.Groups, n.In[1].tokens() / n.Groups}
}

// MatMul adds x*y for each group of tokens: rows are tokens, and columns are channels.
// So x has as many channels as y has tokens in a group.
func (b *Builder) MatMul(x, y *Node, groups int) *Node {
	n := &Node{Op: MatMul, In: []*Node{x, y}, Shape: Shape{y.Shape.C, x.Shape.H, x.Shape.W}, Groups: groups}
	if groups < 1 || x.tokens()%groups != 0 || y.tokens() != x.Shape.C*groups {
		b.fail("%smatMul: %v times %v in %d groups", b.prefix, x.Shape, y.Shape, groups)
		n.Groups = 1
	}
	return b.add(n)
}

// Softmax adds the softmax of each pixel's channels.
func (b *Builder) Softmax(x *Node) *Node {
	return b.add(&Node{Op: Softmax, In: []*Node{x}, Shape: x.Shape})
}

// GroupNorm adds y = (x-mean)/sqrt(variance+eps)*weight + bias, with the mean and the
// variance of each group of channels, over all pixels.
func (b *Builder) GroupNorm(name string, x *Node, groups int, eps float64) *Node {
	n := &Node{Op: GroupNorm, Name: b.claim(name), In: []*Node{x}, Shape: x.Shape, Groups: groups, Eps: eps}
	if groups < 1 || x.Shape.C%groups != 0 {
		b.fail("%s: %d channels in %d groups", n.Name, x.Shape.C, groups)
		n.Groups = 1
	}
	return b.add(n)
}

// Constant adds a parameter: a position embedding, or a class token.
func (b *Builder) Constant(name string, s Shape) *Node {
	return b.add(&Node{Op: Constant, Name: b.claim(name), Shape: s})
}

// ConcatPixels joins the pixels of inputs with as many channels to one row.
func (b *Builder) ConcatPixels(xs ...*Node) *Node {
	s := Shape{xs[0].Shape.C, 1, 0}
	for _, x := range xs {
		if x.Shape.C != s.C {
			b.fail("%sconcatPixels: %v beside %v", b.prefix, x.Shape, xs[0].Shape)
		}
		s.W += x.tokens()
	}
	return b.add(&Node{Op: ConcatPixels, In: xs, Shape: s})
}

// Arithmetic is a function of two numbers.
type Arithmetic uint8

// The functions of two numbers.
const (
	Plus Arithmetic = iota
	Minus
	Times
	Over
	Larger
	Smaller
)

var arithmeticNames = [...]string{"Plus", "Minus", "Times", "Over", "Larger", "Smaller"}

// String returns the function's name, e.g. "Plus".
func (a Arithmetic) String() string { return arithmeticNames[a] }

// Of returns the function of x and y. It defines what the function means.
func (a Arithmetic) Of(x, y float32) float32 {
	switch a {
	case Plus:
		return x + y
	case Minus:
		return x - y
	case Times:
		return x * y
	case Over:
		return x / y
	case Larger:
		return max(x, y)
	}
	return min(x, y)
}

// Combine adds a function of the elements of x and y. Sides of length 1 are repeated.
func (b *Builder) Combine(f Arithmetic, x, y *Node) *Node {
	side := func(a, b int) int {
		if a == 1 {
			return b
		}
		return a
	}
	s := Shape{side(x.Shape.C, y.Shape.C), side(x.Shape.H, y.Shape.H), side(x.Shape.W, y.Shape.W)}
	for _, in := range []Shape{x.Shape, y.Shape} {
		for axis := range AxisW + 1 {
			if have := axis.Side(in); have != 1 && have != axis.Side(s) {
				b.fail("%scombine: %v does not fit %v", b.prefix, x.Shape, y.Shape)
			}
		}
	}
	return b.add(&Node{Op: Combine, In: []*Node{x, y}, Shape: s, Arithmetic: f})
}
