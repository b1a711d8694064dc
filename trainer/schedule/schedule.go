// Package schedule computes the learning rate of every step.
//
//	s := schedule.New(c)
//	rate := s.Rate(schedule.Position{Epoch: 3, Step: 17, PerEpoch: 500, Total: 1517})
//	dropped := s.EpochEnd(score) // reduce_lr_on_plateau looks at scores
//
// Steps are steps of the optimizer. The schedules, by name:
//
//	none                  a constant rate, optimizer.params.lr
//	step                  times gamma every step_size epochs
//	multi_step            times gamma at each of the epochs milestones
//	exponential           times gamma every epoch
//	reduce_lr_on_plateau  times factor, but at least min_lr, after more than patience
//	                      epochs in which the score did not improve by the share
//	                      threshold
//	cyclic_lr             triangles from base_lr to max_lr and back in
//	                      2*step_size_up steps; their height is multiplied by gamma
//	                      each cycle (Smith, arXiv 1506.01186), and every rate by
//	                      lr_decay_coeff after each of lr_decay_milestones
//	cosine                half a cosine from start_lr to nearly 0 over a period of
//	                      epochs, then again over a longer one (Loshchilov and
//	                      Hutter, arXiv 1608.03983); see config.Cosine
//
// If the config enables a warm-up, the rate first grows linearly to warmup.max_lr over
// warmup.steps steps. Epochs count during the warm-up. The cycles of cyclic_lr begin
// after it.
package schedule

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Position is the place of a step of the optimizer.
type Position struct {
	Epoch    int // epochs before it
	Step     int // steps before it in this epoch
	PerEpoch int // steps of an epoch
	Total    int // steps before it in all epochs
}

// Schedule computes the rates of one training. It is not safe for concurrent use.
type Schedule struct {
	config *config.Config
	rate   func(Position) float64
	state  State
}

// State is what reduce_lr_on_plateau remembers from epoch to epoch. A schedule continues
// from the state of another with the same config.
type State struct {
	Rate float64 // the current rate
	Best float64 // the best score
	Bad  int     // epochs since the best score or the last drop
	Seen int     // epochs in all
}

// New returns the schedule of a config that has passed its checks.
func New(c *config.Config) *Schedule {
	s := &Schedule{config: c, state: State{Rate: c.Optimizer.Params.LR}}
	lr, p := c.Optimizer.Params.LR, c.Scheduler.Params
	switch c.Scheduler.Name {
	case "step":
		s.rate = func(at Position) float64 { return lr * math.Pow(p.Gamma, float64(at.Epoch/p.StepSize)) }
	case "multi_step":
		s.rate = func(at Position) float64 { return lr * math.Pow(p.Gamma, passed(p.Milestones, at.Epoch)) }
	case "exponential":
		s.rate = func(at Position) float64 { return lr * math.Pow(p.Gamma, float64(at.Epoch)) }
	case "reduce_lr_on_plateau":
		s.rate = func(Position) float64 { return s.state.Rate }
	case "cyclic_lr":
		s.rate = s.cyclic
	case "cosine":
		s.rate = func(at Position) float64 { return cosine(c.Cosine, at) }
	default:
		s.rate = func(Position) float64 { return lr }
	}
	return s
}

// Rate returns the learning rate of a step.
func (s *Schedule) Rate(at Position) float64 {
	if s.WarmingUp(at.Total) {
		w := s.config.Train.Warmup
		return w.MaxLR * float64(at.Total+1) / float64(w.Steps)
	}
	return s.rate(at)
}

// WarmingUp reports whether a step belongs to the warm-up. total counts the steps before
// it in all epochs.
func (s *Schedule) WarmingUp(total int) bool {
	return s.config.Train.EnableWarmup && total < s.config.Train.Warmup.Steps
}

// State returns the state, to be restored by SetState.
func (s *Schedule) State() State { return s.state }

// SetState restores a state that State returned.
func (s *Schedule) SetState(state State) { s.state = state }

// passed returns the number of milestones that an epoch has reached.
func passed(milestones []int, epoch int) float64 {
	n := 0
	for _, m := range milestones {
		if epoch >= m {
			n++
		}
	}
	return float64(n)
}
