// Package schedule tells the learning rate of every step.
//
//	s := schedule.New(c)
//	rate := s.Rate(schedule.Position{Epoch: 3, Step: 17, PerEpoch: 500, Total: 1517})
//	dropped := s.EpochEnd(score) // reduce_lr_on_plateau looks at scores
//
// Steps are those of the optimiser. The schedules, by name:
//
//	none                  the optimiser's rate, always
//	step                  times gamma every step_size epochs
//	multi_step            times gamma at each of the epochs milestones
//	exponential           times gamma every epoch
//	reduce_lr_on_plateau  times factor, not below min_lr, when the score hasn't
//	                      grown by the share threshold for more than patience
//	                      epochs
//	cyclic_lr             a triangle from base_lr to max_lr and back in
//	                      2*step_size_up steps, less high by gamma each cycle
//	                      (Smith, arXiv 1506.01186); all of it times
//	                      lr_decay_coeff after each of lr_decay_milestones
//	cosine                half a cosine from start_lr to nearly 0 over a period of
//	                      epochs, then anew over a longer one (Loshchilov and
//	                      Hutter, arXiv 1608.03983); the section cosine of the
//	                      config tells the periods
//
// Before any of them comes the warm-up, where the config enables it: the rate
// grows linearly to warmup.max_lr over warmup.steps steps. Epochs count on
// meanwhile; the cycles of cyclic_lr begin when it ends.
package schedule

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// Position is a step of the optimiser; everything counts from 0.
type Position struct {
	Epoch    int // whole epochs before it
	Step     int // steps before it in this epoch
	PerEpoch int // steps of an epoch
	Total    int // steps before it in all epochs
}

// Schedule gives the rates of one training. It is not safe for concurrent use.
type Schedule struct {
	config *config.Config
	rate   func(Position) float64
	state  State
}

// State is what a schedule remembers from epoch to epoch: only
// reduce_lr_on_plateau does. A schedule with the same config and state goes on
// as the other would have.
type State struct {
	Rate float64 // as it was last lowered
	Best float64 // score
	Bad  int     // epochs since
	Seen int     // epochs in all
}

// New returns the schedule of a checked config.
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

// WarmingUp reports whether the warm-up lasts at a step, counted over all
// epochs.
func (s *Schedule) WarmingUp(total int) bool {
	return s.config.Train.EnableWarmup && total < s.config.Train.Warmup.Steps
}

// State returns what the schedule remembers.
func (s *Schedule) State() State { return s.state }

// SetState makes the schedule remember what another did.
func (s *Schedule) SetState(state State) { s.state = state }

// passed counts the milestones that an epoch has reached.
func passed(milestones []int, epoch int) float64 {
	n := 0
	for _, m := range milestones {
		if epoch >= m {
			n++
		}
	}
	return float64(n)
}
