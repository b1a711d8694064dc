package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Outputs returns slices that later steps of n images fill with the outputs of the nodes,
// (C, images, H, W) each. A node whose ReLU is fused with it has the output of the ReLU.
func (m *Model) Outputs(n int) ([][]float32, error) {
	t, err := m.tape(n)
	if err != nil {
		return nil, err
	}
	outputs := make([][]float32, len(m.network.Nodes))
	for _, n := range m.network.Nodes {
		outputs[n.ID] = make([]float32, t.batch*n.Shape.Len())
	}
	for _, node := range m.network.Nodes {
		if (node.Op == nn.ReLU || node.Op == nn.Dropout) && !t.computes(node) {
			outputs[node.ID] = outputs[node.In[0].ID]
		}
	}
	for _, o := range t.ops {
		if o.backward {
			continue
		}
		run := o.run
		o.run = func(out []float32, in [][]float32) {
			run(out, in)
			if o.out.shape == o.node.Shape {
				o.out.copyTo(outputs[o.node.ID], out)
			}
		}
	}
	return outputs, nil
}

// computes reports whether the tape has an operation for a node.
func (t *tape) computes(n *nn.Node) bool {
	for _, o := range t.ops {
		if o.node == n && !o.backward {
			return true
		}
	}
	return false
}

// copyTo copies an activation to (C, images, H, W).
func (v *value) copyTo(dst, src []float32) {
	pixels := v.shape.H * v.shape.W
	for c := range v.shape.C {
		for i := range v.images {
			from := src[i*v.image()+c/simd.Lanes*v.plane()+c%simd.Lanes:]
			to := dst[(c*v.images+i)*pixels:][:pixels]
			for p := range to {
				to[p] = from[p*simd.Lanes]
			}
		}
	}
}
