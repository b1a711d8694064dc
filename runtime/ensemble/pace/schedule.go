package pace

import (
	"cmp"
	"slices"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Schedule decides which fold is predicted next and with how many views.
type Schedule struct {
	Jobs  []*Job // in the order in which they run
	Speed *Speed

	cuts   []ensemble.Cut
	cutJob []*Job // the job of each cut
	made   int    // the first cuts, which are made
	images int
}

// NewSchedule orders the folds of a plan for a number of images: the first cuts' folds
// come last.
func NewSchedule(p *ensemble.Plan, images int, speed *Speed) *Schedule {
	s := &Schedule{Speed: speed, cuts: p.Cuts, images: images}
	if len(s.cuts) == 0 {
		s.cuts = p.DefaultCuts()
	}
	jobs := map[[2]int]*Job{}
	for m := range p.Models {
		model := &p.Models[m]
		for f := range model.Folds {
			j := &Job{Fold: &model.Folds[f], Model: model, ModelIndex: m, Views: model.Views, rank: len(s.cuts)}
			jobs[[2]int{m, f}] = j
			s.Jobs = append(s.Jobs, j)
		}
	}
	for i, c := range s.cuts {
		j := jobs[[2]int{c.Model, c.Fold}]
		s.cutJob = append(s.cutJob, j)
		if c.Views == 0 {
			j.rank = min(j.rank, i)
		}
	}
	slices.SortStableFunc(s.Jobs, func(a, b *Job) int { return cmp.Compare(b.rank, a.rank) })
	return s
}

// Next returns the job to run now; nil if none is waiting. Jobs that no cut drops come
// first, then dropped ones, to use the time that is left. Jobs whose weights are slow to
// arrive come last.
func (s *Schedule) Next(slow func(*ensemble.Fold) bool) *Job {
	var dropped, stalled *Job
	for _, j := range s.Jobs {
		switch {
		case j.State != Waiting:
		case slow(j.Fold):
			stalled = cmp.Or(stalled, j)
		case s.planned(j, s.made) > 0:
			return j
		default:
			dropped = cmp.Or(dropped, j)
		}
	}
	return cmp.Or(dropped, stalled)
}

// Patience returns how long to wait for the weights of j; 0 is without limit. There is a
// limit if the clock has one and another job could run meanwhile.
func (s *Schedule) Patience(j *Job, c *Clock, slow func(*ensemble.Fold) bool) time.Duration {
	another := slices.ContainsFunc(s.Jobs, func(o *Job) bool { return o != j && o.State == Waiting && !slow(o.Fold) })
	if !c.Limited() || !another {
		return 0
	}
	return s.Speed.patience(j.Fold.Size, c.Budget())
}

// Finish records that all images of j are predicted.
func (s *Schedule) Finish(j *Job) {
	j.State = Finished
	s.Speed.settle(j.ModelIndex)
}

// Restore records that an earlier run predicted all images of j with at least a number
// of views.
func (s *Schedule) Restore(j *Job, views int) {
	j.State, j.Done, j.Views = Finished, s.images, views
}

// Count returns the number of jobs in a state.
func (s *Schedule) Count(state State) int {
	n := 0
	for _, j := range s.Jobs {
		if j.State == state {
			n++
		}
	}
	return n
}

// Predicted reports whether a job has predictions.
func (s *Schedule) Predicted() bool { return s.Count(Finished)+s.Count(Started) > 0 }

// Progress returns the share of the work that is done, from 0 to 1.
func (s *Schedule) Progress() float64 {
	done, all := 0.0, 0.0
	for _, j := range s.Jobs {
		cost := s.Speed.cost[j.ModelIndex] * float64(j.Model.Views)
		all += cost * float64(s.images)
		if j.State == Failed {
			done += cost * float64(s.images)
		} else {
			done += cost * float64(j.Done)
		}
	}
	return done / max(all, 1)
}

// Rate returns how many images of j are predicted per second.
func (s *Schedule) Rate(j *Job) float64 {
	return 1 / (s.Speed.view(j.ModelIndex) * float64(s.Views(j)))
}
