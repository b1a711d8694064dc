package optim

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"golang.org/x/sync/errgroup"
)

// slot is the state of one parameter.
type slot struct {
	shape []int
	step  int64
	kinds [][]float32 // by kind of the rule
}

// rule is the arithmetic of an optimizer.
type rule struct {
	// kinds names the tensors of a slot, as PyTorch does.
	kinds []string
	// update returns the function of a parameter's step number step, from 1. The function
	// takes the weights w, the gradients g before scaling, and the slot's tensors, all cut
	// to the same range of elements.
	update func(step int64, lr, scale float64) func(w, g []float32, kinds [][]float32)
}

// optimizer is a rule with the state of its parameters.
type optimizer struct {
	rule
	threads int
	names   []string // of the parameters, in the order of their first steps
	slots   map[string]*slot
}

func newOptimizer(c Config, r rule) *optimizer {
	return &optimizer{rule: r, threads: c.Threads, slots: map[string]*slot{}}
}

// chunk is the number of elements that a goroutine updates at once.
const chunk = 1 << 15

func (o *optimizer) Step(params []Param, lr, scale float64) error {
	for _, p := range params {
		if len(p.Grad) != len(p.Value) {
			return fmt.Errorf("optimizing %s: %d values and %d gradients", p.Name, len(p.Value), len(p.Grad))
		}
		if s := o.slots[p.Name]; s != nil && len(o.kinds) > 0 && len(s.kinds[0]) != len(p.Value) {
			return fmt.Errorf("optimizing %s: the state is of shape %v, the parameter of %v", p.Name, s.shape, p.Shape)
		}
	}
	var group errgroup.Group
	group.SetLimit(cmp.Or(o.threads, runtime.GOMAXPROCS(0)))
	for _, p := range params {
		s := o.slot(p)
		s.step++
		update := o.update(s.step, lr, scale)
		for i := 0; i < len(p.Value); i += chunk {
			end := min(i+chunk, len(p.Value))
			group.Go(func() error {
				var kinds [3][]float32
				for k := range s.kinds {
					kinds[k] = s.kinds[k][i:end]
				}
				update(p.Value[i:end], p.Grad[i:end], kinds[:len(s.kinds)])
				return nil
			})
		}
	}
	return group.Wait()
}

// slot returns the parameter's slot. It makes one at the first call.
func (o *optimizer) slot(p Param) *slot {
	s := o.slots[p.Name]
	if s == nil {
		s = &slot{shape: slices.Clone(p.Shape)}
		for range o.kinds {
			s.kinds = append(s.kinds, make([]float32, len(p.Value)))
		}
		o.slots[p.Name] = s
		o.names = append(o.names, p.Name)
	}
	return s
}

func (o *optimizer) State() *weights.StateDict {
	d := &weights.StateDict{}
	for _, name := range o.names {
		s := o.slots[name]
		step := weights.Tensor{Name: name + ".step", DType: weights.I64, Shape: []int{}, Data: make([]byte, 8)}
		binary.LittleEndian.PutUint64(step.Data, uint64(s.step))
		d.Tensors = append(d.Tensors, step)
		for k, kind := range o.kinds {
			d.Tensors = append(d.Tensors, weights.NewFloat32(name+"."+kind, slices.Clone(s.shape), s.kinds[k]))
		}
	}
	return d
}

func (o *optimizer) Load(state *weights.StateDict) error {
	var names []string
	slots := map[string]*slot{}
	for _, t := range state.Tensors {
		dot := strings.LastIndexByte(t.Name, '.')
		if dot < 0 {
			return fmt.Errorf("loading the optimizer's state: %q is not the name of a parameter's state", t.Name)
		}
		name, kind := t.Name[:dot], t.Name[dot+1:]
		s := slots[name]
		if s == nil {
			s = &slot{kinds: make([][]float32, len(o.kinds))}
			slots[name] = s
			names = append(names, name)
		}
		if kind == "step" {
			if t.DType != weights.I64 || len(t.Data) != 8 {
				return fmt.Errorf("loading the optimizer's state: %s is not one I64", t.Name)
			}
			s.step = int64(binary.LittleEndian.Uint64(t.Data))
			continue
		}
		k := slices.Index(o.kinds, kind)
		if k < 0 {
			return fmt.Errorf("loading the optimizer's state: %s is of another optimizer: this one keeps step %s", t.Name, strings.Join(o.kinds, " "))
		}
		v, err := t.Float32s()
		if err != nil {
			return fmt.Errorf("loading the optimizer's state: %w", err)
		}
		s.kinds[k], s.shape = v, slices.Clone(t.Shape)
	}
	for _, name := range names {
		s := slots[name]
		for k, v := range s.kinds {
			if v == nil || len(v) != len(s.kinds[0]) || s.step < 1 {
				return fmt.Errorf("loading the optimizer's state: %s.%s is missing or does not fit", name, o.kinds[k])
			}
		}
	}
	o.names, o.slots = names, slots
	return nil
}
