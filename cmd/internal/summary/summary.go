// Package summary lists the layers of a network.
//
//	t := summary.Of(g)
//	err := t.Write(os.Stdout)
//
// A layer is a convolution or linear layer with its batch norm, a pooling, an attention,
// or another operation with parameters. A multiply-add of a product counts as 2
// operations. Other
// operations are not counted.
package summary

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// Layer is a row of the table.
type Layer struct {
	// Name is the layer's state-dict name, or its operation in parentheses.
	Name string
	// Kind is the operation and its window, such as "Conv 3x3/2, 32 groups".
	Kind   string
	Output nn.Shape // for one image
	Params int64    // number of trainable parameters
	FLOP   int64    // floating-point operations for one image
}

// Table is a network's summary.
type Table struct {
	Arch   string
	Input  nn.Shape
	Layers []Layer
	// Params and FLOP are the sums over the layers.
	Params, FLOP int64
	// Activations is the largest memory of the activations of one image, in bytes.
	Activations int
}

// Of returns the summary of a network.
func Of(g *nn.Graph) Table {
	t := Table{Arch: g.Arch, Input: g.Input.Shape, Activations: engine.ActivationBytes(g)}
	row := map[int]int{} // of nodes, by ID
	for _, n := range g.Nodes {
		params := trained(n)
		switch n.Op {
		case nn.Conv, nn.Linear, nn.MaxPool, nn.AvgPool, nn.GlobalAvgPool, nn.GlobalMaxPool, nn.AttentionOp, nn.MatMul:
		default:
			if params == 0 {
				continue
			}
		}
		if i, ok := folded(n, row); ok {
			t.Layers[i].Params += params
		} else {
			row[n.ID] = len(t.Layers)
			t.Layers = append(t.Layers, Layer{Name: name(n), Kind: kind(n), Output: n.Shape, Params: params, FLOP: flop(n)})
		}
		t.Params += params
		t.FLOP += flop(n)
	}
	return t
}

// folded returns the row of the convolution whose result a batch norm or layer scale
// multiplies.
func folded(n *nn.Node, row map[int]int) (i int, ok bool) {
	if n.Op != nn.BatchNorm && n.Op != nn.LayerScale || n.In[0].Op != nn.Conv {
		return 0, false
	}
	i, ok = row[n.In[0].ID]
	return i, ok
}

// trained returns the number of trainable parameters. Parameters of a layer that is
// applied twice count once.
func trained(n *nn.Node) int64 {
	if n.Shared != nil {
		return 0
	}
	var sum int64
	for _, p := range n.Params() {
		if p.Role.Trainable() {
			count := int64(1)
			for _, d := range p.Shape {
				count *= int64(d)
			}
			sum += count
		}
	}
	return sum
}

func flop(n *nn.Node) int64 {
	switch n.Op {
	case nn.Conv:
		return 2 * int64(n.Shape.Len()) * int64(n.In[0].Shape.C/n.Groups*n.Window.H*n.Window.W)
	case nn.Linear:
		return 2 * int64(n.Shape.C) * int64(n.In[0].Shape.Len())
	case nn.MatMul:
		return 2 * int64(n.Shape.Len()) * int64(n.In[0].Shape.C)
	case nn.AttentionOp: // scores, and sums of values
		q, v := n.In[0].Shape, n.In[2].Shape
		return 2 * int64(q.H*q.W) * int64(v.H*v.W/n.Groups) * int64(q.C+v.C)
	}
	return 0
}

func name(n *nn.Node) string {
	if n.Name == "" {
		return "(" + n.Op.String() + ")"
	}
	return n.Name
}

func kind(n *nn.Node) string {
	k := n.Op.String()
	if n.Window != (nn.HW{}) {
		k += fmt.Sprintf(" %dx%d", n.Window.H, n.Window.W)
		if n.Stride != nn.Square(1) {
			k += fmt.Sprintf("/%d", n.Stride.H)
		}
	}
	switch {
	case n.Groups > 1 && n.Groups == n.Shape.C:
		k += " depthwise"
	case n.Groups > 1:
		k += fmt.Sprintf(", %d groups", n.Groups)
	}
	return k
}

// Write prints the table.
func (t Table) Write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "LAYER\tKIND\tOUTPUT\tPARAMETERS\tGFLOP")
	for _, l := range t.Layers {
		fmt.Fprintf(tw, "%s\t%s\t%v\t%d\t%.4f\n", l.Name, l.Kind, l.Output, l.Params, float64(l.FLOP)/1e9)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s at %dx%d: %d layers, %d parameters (%.1f MB), %.2f GFLOP an image, at most %.1f MB of activations\n",
		t.Arch, t.Input.H, t.Input.W, len(t.Layers), t.Params, float64(t.Params)*4/1e6, float64(t.FLOP)/1e9, float64(t.Activations)/1e6)
	return err
}
