// Package optim implements the optimizers SGD with and without momentum, Adam, AMSGrad and
// AdamW, as PyTorch defines them.
//
//	opt, err := optim.New(optim.Config{Name: "adam", WeightDecay: 1e-4})
//	err = opt.Step(params, lr, 1)
//
// The state of an optimizer is named by parameter, so it survives a change of the trained
// parameters. It is saved and restored as a state dict; a resumed training continues bit
// for bit. Steps give the same bits for any number of threads.
//
// It refuses unknown names, settings that an optimizer does not have, and states of other
// shapes.
package optim

import (
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

// Param is a tensor to train. Value and Grad have the same length. A step changes Value
// and reads Grad.
type Param struct {
	Name        string
	Shape       []int
	Value, Grad []float32
}

// Optimizer updates parameters by their gradients. It is not safe for concurrent use.
type Optimizer interface {
	// Step updates every parameter once, with the gradients times scale.
	Step(params []Param, lr, scale float64) error
	// State returns a copy of the state. For each parameter p it has the tensors of
	// PyTorch's state, such as p+".exp_avg" or p+".momentum_buffer", and p+".step", I64.
	State() *weights.StateDict
	// Load replaces the state by a copy of one that State returned. On an error it
	// changes nothing.
	Load(state *weights.StateDict) error
}

// Config names an optimizer and its settings. The zero value of a setting is PyTorch's
// default, but for the weight decay of AdamW.
type Config struct {
	// Name is "sgd", "adam" or "adamw".
	Name string
	// WeightDecay times the weight is added to the gradient. AdamW multiplies the weight
	// by 1 - rate*WeightDecay instead. AdamW's default is 0 here and 0.01 in PyTorch.
	WeightDecay float64
	// Momentum and Nesterov are settings of sgd.
	Momentum float64
	Nesterov bool
	// AMSGrad is a setting of adam and adamw (Reddi et al., arXiv 1904.09237).
	AMSGrad bool
	// Beta1, Beta2 and Epsilon are settings of adam and adamw. 0 means 0.9, 0.999 and
	// 1e-8.
	Beta1, Beta2, Epsilon float64
	// Threads is the number of goroutines of a step; 0 means one for each core.
	Threads int
}

// New returns the optimizer of a config, without state.
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
