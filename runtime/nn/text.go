package nn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Text returns the graph in a form that [ParseText] reads, without its architecture's
// name and its modules. Equal graphs have equal texts. Each line is an operation, the
// numbers of its input nodes, and its attributes:
//
//	Input 3 32 32
//	Conv 0 "conv1" 16 3 3 1 1 1 1 1 false
//	ReLU 1
//	Output 2
func (g *Graph) Text() string {
	var b strings.Builder
	for _, n := range g.Nodes {
		b.WriteString(n.line())
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "Output %d\n", g.Output.ID)
	return b.String()
}

// line returns the node's line. A layer that is applied again names the layer.
func (n *Node) line() string {
	op := n.Op.String()
	var words []any
	for _, in := range n.In {
		words = append(words, in.ID)
	}
	switch n.Op {
	case Input:
		words = []any{n.Shape.C, n.Shape.H, n.Shape.W}
	case Conv:
		if n.Flat {
			op, words = pixelLinear, append(words, strconv.Quote(n.Name), n.Shape.C)
			break
		}
		words = append(words, strconv.Quote(n.Name), n.Shape.C, n.Window.H, n.Window.W, n.Stride.H, n.Stride.W, n.Pad.H, n.Pad.W, n.Groups, n.Bias)
	case BatchNorm, LayerNorm:
		words = append(words, strconv.Quote(n.Name), n.Eps)
	case LayerScale:
		words = append(words, strconv.Quote(n.Name))
	case Linear:
		words = append(words, strconv.Quote(n.Name), n.Shape.C)
	case Add:
		words = append(words, n.Scale)
	case MaxPool, AvgPool:
		words = append(words, n.Window.H, n.Window.W, n.Stride.H, n.Stride.W, n.Pad.H, n.Pad.W, n.CeilMode, n.CountIncludePad)
	case Pad:
		words = append(words, n.Border.Top, n.Border.Bottom, n.Border.Left, n.Border.Right)
	case Subsample:
		words = append(words, n.Stride.H, n.Stride.W)
	case PadChannels:
		words = append(words, n.Channels[0], n.Channels[1])
	case Dropout:
		words = append(words, n.P)
	case Rearrange:
		words = append(words, n.Arrangement.words()...)
	case AttentionOp:
		words = append(words, strconv.Quote(n.Name), n.Heads, n.Groups, n.Scale, n.Tables[0], n.Tables[1])
	case MatMul:
		words = append(words, n.Groups)
	case GroupNorm:
		words = append(words, strconv.Quote(n.Name), n.Groups, n.Eps)
	case Constant:
		words = append(words, strconv.Quote(n.Name), n.Shape.C, n.Shape.H, n.Shape.W)
	case Combine:
		words = append(words, n.Arithmetic)
	case Activate:
		words = append(words, activationNames[n.Activation.Kind], n.Activation.A, n.Activation.B)
	}
	if n.Shared != nil {
		op, words = again, []any{n.In[0].ID, n.Shared.ID}
	}
	return op + " " + strings.TrimSuffix(fmt.Sprintln(words...), "\n")
}

// Words for a layer that is applied again, and for a convolution that is Flat.
const (
	again       = "Again"
	pixelLinear = "PixelLinear"
)

// ParseText draws the graph of a text. It returns an error that names the line if the
// text is damaged.
func ParseText(arch, text string) (*Graph, error) {
	p := &textParser{arch: arch}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("line %d of the network %s: %w", number, arch, err)
		}
	}
	if p.output == nil {
		return nil, fmt.Errorf("the network %s has no output: its text is cut", arch)
	}
	return p.b.Graph(p.output)
}

// textParser reads lines. It keeps the first mistake in a line.
type textParser struct {
	arch   string
	b      *Builder
	nodes  []*Node
	output *Node
	words  []string
	err    error
}

func (p *textParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *textParser) line(line string) error {
	words, err := split(line)
	if err != nil {
		return err
	}
	op := words[0]
	p.words = words[1:]
	if (op == Input.String()) != (p.b == nil) || p.output != nil {
		return fmt.Errorf("%q is out of order", op)
	}
	draw, ok := textOps[op]
	if !ok {
		return fmt.Errorf("there is no operation %q", op)
	}
	n := draw(p)
	if p.err == nil && len(p.words) > 0 {
		p.fail("%s has %d words too many", op, len(p.words))
	}
	if p.err == nil && p.b.s.err != nil {
		p.err = p.b.s.err
	}
	if s := n.Shape; max(s.C, s.H, s.W) > 32*maxNumber {
		p.fail("a shape of %v is too large", s)
	}
	p.nodes = append(p.nodes, n)
	return p.err
}

// split returns the words of a line. Quoted ones may hold spaces.
func split(line string) (words []string, err error) {
	for rest := line; rest != ""; {
		word, after, _ := strings.Cut(rest, " ")
		if strings.HasPrefix(rest, `"`) {
			if word, err = strconv.QuotedPrefix(rest); err != nil {
				return nil, fmt.Errorf("the name in %q is not closed", line)
			}
			after = strings.TrimPrefix(rest[len(word):], " ")
		}
		words, rest = append(words, word), after
	}
	if len(words) == 0 {
		return nil, errors.New("it is empty")
	}
	return words, nil
}

// word returns the next word, or "0" if there is none.
func (p *textParser) word() string {
	if len(p.words) == 0 {
		p.fail("it is too short")
		return "0"
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

// maxNumber bounds the numbers of a text, so that products of four fit an int.
const maxNumber = 1 << 15

// number returns the next integer, from least on.
func (p *textParser) number(least int) int { return p.between(least, maxNumber) }

// between returns the next integer, from least to most.
func (p *textParser) between(least, most int) int {
	w := p.word()
	v, err := strconv.Atoi(w)
	if err != nil || v < least || v > most {
		p.fail("%q is no number from %d to %d", w, least, most)
		return max(least, 1)
	}
	return v
}

func (p *textParser) pair(least int) HW { return HW{H: p.number(least), W: p.number(least)} }

func (p *textParser) float() float64 {
	w := p.word()
	v, err := strconv.ParseFloat(w, 64)
	if err != nil {
		p.fail("%q is no number", w)
	}
	return v
}

func (p *textParser) bool() bool {
	w := p.word()
	if w != "true" && w != "false" {
		p.fail("%q is neither true nor false", w)
	}
	return w == "true"
}

func (p *textParser) name() string {
	w := p.word()
	s, err := strconv.Unquote(w)
	if err != nil || !strings.HasPrefix(w, `"`) {
		p.fail("%q is no quoted name", w)
	}
	return s
}

// node returns the node of the next number.
func (p *textParser) node() *Node {
	w := p.word()
	i, err := strconv.Atoi(w)
	if err != nil || i < 0 || i >= len(p.nodes) {
		p.fail("there is no node %q before", w)
		return p.nodes[0]
	}
	return p.nodes[i]
}

// rest returns the nodes of all numbers left.
func (p *textParser) rest() []*Node {
	xs := []*Node{p.node()}
	for len(p.words) > 0 {
		xs = append(xs, p.node())
	}
	return xs
}

// plain returns a reader of an operation with one input and no attributes.
func plain(draw func(*Builder, *Node) *Node) func(*textParser) *Node {
	return func(p *textParser) *Node { return draw(p.b, p.node()) }
}

// pooling returns a reader of a pooling.
func pooling(draw func(*Builder, *Node, Pool2d) *Node) func(*textParser) *Node {
	return func(p *textParser) *Node {
		return draw(p.b, p.node(), Pool2d{Window: p.pair(1), Stride: p.pair(1), Pad: p.pair(0), CeilMode: p.bool(), CountIncludePad: p.bool()})
	}
}

// textOps reads each operation's line after its first word.
var textOps = map[string]func(p *textParser) *Node{
	Input.String(): func(p *textParser) *Node {
		p.b = NewBuilder(p.arch, Shape{p.number(1), p.number(1), p.number(1)})
		return p.b.Input()
	},
	Conv.String(): func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.Conv(name, x, Conv2d{Out: p.number(1), Window: p.pair(1), Stride: p.pair(1), Pad: p.pair(0), Groups: p.number(1), Bias: p.bool()})
	},
	BatchNorm.String(): func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.BatchNorm(name, x, BatchNorm2d{Eps: p.float()})
	},
	LayerNorm.String(): func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.LayerNorm(name, x, p.float())
	},
	LayerScale.String(): func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.LayerScale(name, x)
	},
	pixelLinear: func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.PixelLinear(name, x, p.number(1))
	},
	Linear.String(): func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.Linear(name, x, p.number(1))
	},
	ReLU.String():          plain((*Builder).ReLU),
	Sigmoid.String():       plain((*Builder).Sigmoid),
	GlobalAvgPool.String(): plain((*Builder).GlobalAvgPool),
	GlobalMaxPool.String(): plain((*Builder).GlobalMaxPool),
	ChannelMean.String():   plain((*Builder).ChannelMean),
	ChannelMax.String():    plain((*Builder).ChannelMax),
	MaxPool.String():       pooling((*Builder).MaxPool),
	AvgPool.String():       pooling((*Builder).AvgPool),
	Add.String():           func(p *textParser) *Node { return p.b.AddScaled(p.node(), p.node(), p.float()) },
	Mul.String():           func(p *textParser) *Node { return p.b.Mul(p.node(), p.node()) },
	Concat.String():        func(p *textParser) *Node { return p.b.Concat(p.rest()...) },
	Pad.String(): func(p *textParser) *Node {
		return p.b.Pad(p.node(), Border{p.number(-maxNumber), p.number(-maxNumber), p.number(-maxNumber), p.number(-maxNumber)})
	},
	Subsample.String(): func(p *textParser) *Node { return p.b.Subsample(p.node(), p.pair(1)) },
	PadChannels.String(): func(p *textParser) *Node {
		return p.b.PadChannels(p.node(), p.number(-maxNumber), p.number(-maxNumber))
	},
	Dropout.String():   func(p *textParser) *Node { return p.b.Dropout(p.node(), p.float()) },
	Activate.String():  func(p *textParser) *Node { return p.b.Activate(p.node(), p.activation()) },
	Rearrange.String(): func(p *textParser) *Node { return p.b.Rearrange(p.node(), p.arrangement()) },
	AttentionOp.String(): func(p *textParser) *Node {
		q, k, v, name := p.node(), p.node(), p.node(), p.name()
		return p.b.Attention(name, q, k, v, Attention{Heads: p.number(1), Groups: p.number(1), Scale: p.float(), Bias: p.number(0), Mask: p.number(0)})
	},
	MatMul.String():  func(p *textParser) *Node { return p.b.MatMul(p.node(), p.node(), p.number(1)) },
	Softmax.String(): plain((*Builder).Softmax),
	GroupNorm.String(): func(p *textParser) *Node {
		x, name := p.node(), p.name()
		return p.b.GroupNorm(name, x, p.number(1), p.float())
	},
	Constant.String(): func(p *textParser) *Node {
		return p.b.Constant(p.name(), Shape{p.number(1), p.number(1), p.between(1, maxRearranged)})
	},
	ConcatPixels.String(): func(p *textParser) *Node { return p.b.ConcatPixels(p.rest()...) },
	Combine.String(): func(p *textParser) *Node {
		x, y := p.node(), p.node()
		return p.b.Combine(p.arithmetic(), x, y)
	},
	again: func(p *textParser) *Node {
		x, layer := p.node(), p.node()
		if len(layer.Params()) == 0 {
			p.fail("node %d has no parameters to share", layer.ID)
			return x
		}
		return p.b.Again(layer, x)
	},
	"Output": func(p *textParser) *Node {
		p.output = p.node()
		return p.output
	},
}

func (p *textParser) activation() Activation {
	kind := slices.Index(activationNames[:], p.word())
	if kind < 0 {
		p.fail("there is no such activation")
	}
	return Activation{ActivationKind(max(0, kind)), p.float(), p.float()}
}

func (p *textParser) arithmetic() Arithmetic {
	f := slices.Index(arithmeticNames[:], p.word())
	if f < 0 {
		p.fail("there is no such function")
	}
	return Arithmetic(max(0, f))
}
