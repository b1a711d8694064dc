// Package optim holds the optimisers: plain and momentum SGD, Adam, AMSGrad
// and AdamW, as PyTorch defines them.
//
//	opt, err := optim.New(optim.Config{Name: "adam", WeightDecay: 1e-4})
//	err = opt.Step(params, lr, 1)
//
// An optimiser's state is named by parameter, so it survives a change of what
// is trained, and saves and restores as a state dict: training that resumes
// from it goes on bit for bit. Steps run on every core and give the same bits
// on any number of them.
//
// It refuses unknown names, settings that an optimiser does not have, and
// states of other shapes.
package optim

import (
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

// Param is one tensor to train. Value and Grad have the same length; a step
// changes Value and only reads Grad.
type Param struct {
	Name        string
	Shape       []int
	Value, Grad []float32
}

// Optimizer changes parameters by their gradients. It must not be used by two
// goroutines at once.
type Optimizer interface {
	// Step makes one update of every parameter with the gradients times scale.
	Step(params []Param, lr, scale float64) error
	// State returns a copy of the optimiser's state: for each parameter p the
	// tensors p+"."+kind, of the kinds that PyTorch's state has ("exp_avg",
	// "momentum_buffer", …), and p+".step", I64.
	State() *weights.StateDict
	// Load replaces the state by a copy of one that State returned. On an error
	// the state is as it was.
	Load(state *weights.StateDict) error
}

// Config says which optimiser to make; the zero value of a setting is
// PyTorch's default.
type Config struct {
	// Name is "sgd", "adam" or "adamw".
	Name string
	// WeightDecay is added to the gradient times the weight; AdamW, whose
	// default is 0.01 in PyTorch but 0 here, takes it from the weight itself.
	WeightDecay float64
	// Momentum and Nesterov are settings of sgd.
	Momentum float64
	Nesterov bool
	// AMSGrad is a setting of adam and adamw (Reddi et al., arXiv 1904.09237).
	AMSGrad bool
	// Beta1, Beta2 and Epsilon of adam and adamw are 0.9, 0.999 and 1e-8 where
	// they are 0.
	Beta1, Beta2, Epsilon float64
	// Threads is how many goroutines a step uses; 0 means one a core.
	Threads int
}

// New makes the optimiser of a config, without any state.
func New(c Config) (Optimizer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	set, err := simd.Select(os.Getenv(simd.Variable))
	if err != nil {
		return nil, err
	}
	if c.Name == "sgd" {
		return newOptimizer(c, sgdRule(c, routines.For(set))), nil
	}
	return newOptimizer(c, adamRule(c, routines.For(set))), nil
}

func (c Config) check() error {
	adam := c.Name == "adam" || c.Name == "adamw"
	switch {
	case !adam && c.Name != "sgd":
		return fmt.Errorf("unknown optimizer %q (known: adam, adamw, sgd)", c.Name)
	case adam && (c.Momentum != 0 || c.Nesterov):
		return fmt.Errorf("optimizer %s has no momentum or nesterov: they are settings of sgd", c.Name)
	case !adam && (c.AMSGrad || c.Beta1 != 0 || c.Beta2 != 0 || c.Epsilon != 0):
		return fmt.Errorf("optimizer sgd has no amsgrad, betas or eps: they are settings of adam and adamw")
	case c.Nesterov && c.Momentum == 0:
		return fmt.Errorf("optimizer sgd: nesterov needs a momentum")
	case c.WeightDecay < 0 || c.Momentum < 0 || c.Beta1 < 0 || c.Beta1 >= 1 || c.Beta2 < 0 || c.Beta2 >= 1 || c.Epsilon < 0:
		return fmt.Errorf("optimizer %s: a setting is out of range: weight_decay, momentum and eps must be at least 0, betas in [0, 1)", c.Name)
	}
	return nil
}
