// Package nn describes a convolutional network as data: a graph of operations with
// their output shapes and the parameters' names in the PyTorch state dict.
//
// An architecture is a function that draws a graph with a [Builder]. runtime/engine
// compiles the graph for inference, and trainer/graph turns it into a training
// graph. Both implement every operation that an architecture of this project uses.
// Imported networks may have operations that only predict.
//
//	b := nn.NewBuilder("tiny", nn.Shape{C: 3, H: 32, W: 32})
//	x := b.Conv("conv1", b.Input(), nn.Conv2d{Out: 16, Window: nn.Square(3), Pad: nn.Square(1)})
//	x = b.ReLU(b.BatchNorm("bn1", x, nn.BatchNorm2d{}))
//	x = b.Linear("fc", b.GlobalAvgPool(x), 10)
//	g, err := b.Graph(x)
//
// Shapes are per image, channels first, as in PyTorch. A backend chooses its own
// memory layout. [Builder.Graph] refuses shapes that do not fit and names that are
// used twice.
package nn

import "fmt"

// Op is the operation of a node.
type Op uint8

// The operations. Comments name the fields of [Node] that each reads.
const (
	Input         Op = iota // the image batch; no inputs
	Conv                    // 2-D convolution: Out, Window, Stride, Pad, Groups, Bias
	BatchNorm               // per-channel affine with running statistics: Eps
	ReLU                    // max(x, 0)
	Sigmoid                 // 1/(1+exp(-x))
	Add                     // a + Scale*b, equal shapes (Scale is 1 for plain residuals)
	Mul                     // x * gate, the gate broadcast over space (C,1,1) or channels (1,H,W)
	MaxPool                 // Window, Stride, Pad, CeilMode; padding never wins
	AvgPool                 // Window, Stride, Pad, CeilMode, CountIncludePad
	GlobalAvgPool           // (C,H,W) -> (C,1,1)
	GlobalMaxPool           // (C,H,W) -> (C,1,1)
	ChannelMean             // (C,H,W) -> (1,H,W), mean over channels
	ChannelMax              // (C,H,W) -> (1,H,W), maximum over channels
	Linear                  // (C,1,1) -> (Out,1,1): Out, Bias
	Concat                  // along channels, any number of inputs of equal H, W
	Pad                     // zero-pad, or crop where negative: Border
	Subsample               // x[:, ::Stride, ::Stride]
	PadChannels             // zero channels before and after, or drop where negative: Channels
	Dropout                 // identity outside of training: P
	Activate                // a function of each element: Activation
	LayerNorm               // over the channels of each pixel, with scale and shift: Eps
	LayerScale              // x times a factor of each channel
	Rearrange               // values at other places: Arrangement; prediction only
	AttentionOp             // Heads, Groups, Scale, Tables; prediction only
	MatMul                  // product of tokens and channels: Groups; prediction only
	Softmax                 // over the channels of each pixel; prediction only
	GroupNorm               // over the pixels and some channels: Groups, Eps; prediction only
	Constant                // a parameter of any shape; no inputs; prediction only
	ConcatPixels            // (C,H,W) -> (C,1,HW), any number of inputs; prediction only
	Combine                 // Arithmetic of two inputs, sides of 1 repeated; prediction only
)

var opNames = [...]string{
	"Input", "Conv", "BatchNorm", "ReLU", "Sigmoid", "Add", "Mul", "MaxPool", "AvgPool",
	"GlobalAvgPool", "GlobalMaxPool", "ChannelMean", "ChannelMax", "Linear", "Concat",
	"Pad", "Subsample", "PadChannels", "Dropout", "Activate", "LayerNorm", "LayerScale",
	"Rearrange", "Attention", "MatMul", "Softmax", "GroupNorm", "Constant", "ConcatPixels", "Combine",
}

// String returns the operation's name, e.g. "Conv".
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// Shape is the shape of one image's activation: channels, height and width.
type Shape struct{ C, H, W int }

// Len returns the number of values, C*H*W.
func (s Shape) Len() int { return s.C * s.H * s.W }

// String formats the shape as CxHxW.
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.C, s.H, s.W) }

// HW is a pair of numbers of pixels, along height and width.
type HW struct{ H, W int }

// Square returns the pair (n, n).
func Square(n int) HW { return HW{n, n} }

// Node is one operation of a [Graph]. A [Builder] creates nodes; they must not be
// changed afterwards.
type Node struct {
	// ID is the node's index in Graph.Nodes.
	ID int
	// Op is the operation. It decides which attributes below have a meaning.
	Op Op
	// Name is the PyTorch module path, such as "layer1.0.conv1". The node's
	// parameters are Name + ".weight" and so on. It is "" for nodes without
	// parameters.
	Name string
	// In holds the inputs. Their IDs are smaller than the node's.
	In []*Node
	// Shape is the shape of the output.
	Shape Shape
	// Shared is the earlier node whose parameters, Name and attributes this node
	// uses too, or nil.
	Shared *Node

	Window, Stride, Pad HW         // Conv, MaxPool, AvgPool; Subsample uses Stride
	Groups              int        // Conv, GroupNorm: of channels; AttentionOp, MatMul: of tokens
	Bias                bool       // Conv, Linear
	Flat                bool       // Conv with a window of one pixel: its weight has the shape (Out, In)
	Eps                 float64    // BatchNorm, LayerNorm, GroupNorm
	Scale               float64    // Add, AttentionOp
	CeilMode            bool       // MaxPool, AvgPool
	CountIncludePad     bool       // AvgPool: zeros of the padding count in the divisor
	Border              Border     // Pad
	Channels            [2]int     // PadChannels: before, after
	P                   float64    // Dropout: probability of dropping an element
	Activation          Activation // Activate
	Arrangement         *Arrangement
	Heads               int        // AttentionOp
	Tables              [2]int     // AttentionOp: tables of scores by head, and by group
	Arithmetic          Arithmetic // Combine
}

// Border is the number of pixels to add on each side. Negative numbers crop.
type Border struct{ Top, Bottom, Left, Right int }

// Param is one tensor of the state dict that a node reads.
type Param struct {
	// Name is the state-dict key, e.g. "layer1.0.conv1.weight".
	Name string
	// Shape is in PyTorch's order: (Out, In/Groups, KH, KW) for weights of Conv,
	// (Out, In) for weights of Linear and of a Conv that is Flat, (C, H, W) for those of
	// Constant, (tables, queries, keys) for attentions, (C) for all others.
	Shape []int
	// Role is the tensor's meaning for the node.
	Role Role
}

// Role is the meaning of a parameter for its node.
type Role uint8

// The roles. Their names are the last part of the state-dict key.
const (
	Weight      Role = iota // "weight"
	Bias                    // "bias"
	RunningMean             // "running_mean"
	RunningVar              // "running_var"
	Mask                    // "mask"
	Gamma                   // "gamma"
)

var roleNames = [...]string{"weight", "bias", "running_mean", "running_var", "mask", "gamma"}

// String returns the last part of the key, e.g. "running_mean".
func (r Role) String() string { return roleNames[r] }

// Trainable reports whether the optimizer updates tensors of this role.
func (r Role) Trainable() bool { return r == Weight || r == Bias || r == Gamma }

// Params returns the tensors that the node reads, in PyTorch's order. It leaves out
// num_batches_tracked, a counter of batch norms that no computation reads.
func (n *Node) Params() []Param {
	p := func(r Role, shape ...int) Param {
		return Param{Name: n.Name + "." + r.String(), Shape: shape, Role: r}
	}
	var ps []Param
	switch n.Op {
	case Conv:
		shape := []int{n.Shape.C, n.In[0].Shape.C / n.Groups, n.Window.H, n.Window.W}
		if n.Flat {
			shape = shape[:2]
		}
		ps = append(ps, p(Weight, shape...))
		if n.Bias {
			ps = append(ps, p(Bias, n.Shape.C))
		}
	case Linear:
		ps = append(ps, p(Weight, n.Shape.C, n.In[0].Shape.Len()))
		if n.Bias {
			ps = append(ps, p(Bias, n.Shape.C))
		}
	case BatchNorm:
		c := n.Shape.C
		ps = append(ps, p(Weight, c), p(Bias, c), p(RunningMean, c), p(RunningVar, c))
	case LayerNorm, GroupNorm:
		ps = append(ps, p(Weight, n.Shape.C), p(Bias, n.Shape.C))
	case LayerScale:
		ps = append(ps, p(Gamma, n.Shape.C))
	case Constant:
		ps = append(ps, p(Weight, n.Shape.C, n.Shape.H, n.Shape.W))
	case AttentionOp:
		for i, role := range []Role{Bias, Mask} {
			if tables := n.Tables[i]; tables > 0 {
				ps = append(ps, p(role, n.scores(tables)...))
			}
		}
	}
	return ps
}

// Graph is a complete network. It is immutable and safe for concurrent use.
type Graph struct {
	// Arch is the architecture's name, e.g. "seresnext50_32x4d".
	Arch string
	// Nodes lists the nodes so that every input precedes its users.
	Nodes []*Node
	// Input is the first node. Output holds the logits, of shape (classes, 1, 1).
	Input, Output *Node
	// Modules names the outputs of PyTorch modules that consist of several
	// nodes, so that intermediate results can be compared.
	Modules []Module
}

// Module is a named intermediate output.
type Module struct {
	Name string
	Node *Node
}

// Params returns the parameters of all nodes in graph order, without repetition.
func (g *Graph) Params() []Param {
	var ps []Param
	for _, n := range g.Nodes {
		if n.Shared == nil {
			ps = append(ps, n.Params()...)
		}
	}
	return ps
}

// Classes returns the number of logits.
func (g *Graph) Classes() int { return g.Output.Shape.C }
