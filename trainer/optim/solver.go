package optim

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	// Gorgonia's tensors pin how the garbage collector works, release by release.
	_ "go4.org/unsafe/assume-no-moving-gc"
)

// Solver is an optimiser as gorgonia's Solver. It trains float32 nodes, knows
// them by their names and, as gorgonia's own solvers, zeroes the gradients.
type Solver struct {
	Optimizer Optimizer
	LR        float64
}

var _ gorgonia.Solver = Solver{}

// Step makes one update of the nodes in model.
func (s Solver) Step(model []gorgonia.ValueGrad) error {
	params := make([]Param, len(model))
	for i, vg := range model {
		n, ok := vg.(*gorgonia.Node)
		if !ok {
			return fmt.Errorf("optimizing %v: it is no node and has no name", vg)
		}
		grad, err := n.Grad()
		if err != nil {
			return fmt.Errorf("optimizing %s: %w", n.Name(), err)
		}
		value, ok1 := n.Value().Data().([]float32)
		g, ok2 := grad.Data().([]float32)
		if !ok1 || !ok2 {
			return fmt.Errorf("optimizing %s: it is no float32 tensor", n.Name())
		}
		params[i] = Param{Name: n.Name(), Shape: slices.Clone(n.Shape()), Value: value, Grad: g}
	}
	if err := s.Optimizer.Step(params, s.LR, 1); err != nil {
		return err
	}
	for _, p := range params {
		clear(p.Grad)
	}
	return nil
}
