package predict

import (
	"cmp"
	"slices"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// job is a fold that is to be predicted.
type job struct {
	model, fold int
	m           *ensemble.Model
	f           *ensemble.Fold
	rank        int // the cut that drops the fold; the number of cuts if none does
	state       state
	done        int    // images predicted
	least       int    // the fewest views that an image had
	reason      string // why it is not finished
	stalled     bool   // its weights are slow to come
}

type state uint8

const (
	waiting  state = iota
	started        // and ended before its last image, unless it is running
	finished       // all images
	failed
)

// schedule decides what is predicted next, with how many views, so that the
// run ends in time.
type schedule struct {
	jobs   []*job // in the order in which they are run
	byFold map[[2]int]*job
	cuts   []ensemble.Cut
	images int
	pace   *pace
	made   int // how many cuts are made
}

// newSchedule orders the folds: those that fall to the first cuts come last.
func newSchedule(p *ensemble.Plan, images int, pace *pace) *schedule {
	s := &schedule{byFold: map[[2]int]*job{}, cuts: cutsOf(p), images: images, pace: pace}
	for m := range p.Models {
		for f := range p.Models[m].Folds {
			j := &job{model: m, fold: f, m: &p.Models[m], f: &p.Models[m].Folds[f], rank: len(s.cuts)}
			j.least = j.m.Views
			s.byFold[[2]int{m, f}] = j
			s.jobs = append(s.jobs, j)
		}
	}
	for i, c := range s.cuts {
		if j := s.byFold[[2]int{c.Model, c.Fold}]; c.Views == 0 {
			j.rank = min(j.rank, i)
		}
	}
	slices.SortStableFunc(s.jobs, func(a, b *job) int { return cmp.Compare(b.rank, a.rank) })
	return s
}

// views is how many views an image of the fold gets after so many cuts.
func (s *schedule) views(j *job, cuts int) int {
	v := j.m.Views
	for _, c := range s.cuts[:cuts] {
		if c.Model == j.model && c.Fold == j.fold {
			v = min(v, c.Views)
		}
	}
	return v
}

// now is how many views the next image of a running fold gets: at least one.
func (s *schedule) now(j *job) int { return max(s.views(j, s.made), 1) }

// fit makes as few cuts as let the rest end in the time that is left.
func (s *schedule) fit(left time.Duration, running *job) {
	views := map[*job]int{}
	total := 0.0
	for _, j := range s.jobs {
		views[j] = j.m.Views
		total += s.seconds(j, running, j.m.Views)
	}
	s.made = 0
	// A part in 200 for what is between the folds.
	for left := left.Seconds() / 1.005; total > left && s.made < len(s.cuts); s.made++ {
		c := s.cuts[s.made]
		j := s.byFold[[2]int{c.Model, c.Fold}]
		v := min(views[j], c.Views)
		total += s.seconds(j, running, v) - s.seconds(j, running, views[j])
		views[j] = v
	}
}

// seconds is how long the rest of a fold takes.
func (s *schedule) seconds(j, running *job, views int) float64 {
	switch {
	case j == running:
		return float64(s.images-j.done) * float64(max(views, 1)) * s.pace.view(j.model)
	case j.state == waiting:
		return s.pace.fold(j.model, s.images, views, j.f.Size)
	}
	return 0
}

// remaining estimates the time to the end.
func (s *schedule) remaining(running *job) time.Duration {
	total := 0.0
	for _, j := range s.jobs {
		total += s.seconds(j, running, s.views(j, s.made))
	}
	return time.Duration(total * float64(time.Second))
}

// next returns the fold to run now, nil if there is none: those that are not
// dropped in their order, then, to use the time that is left, the dropped
// ones. Those whose weights are slow to come are last.
func (s *schedule) next() *job {
	var spare, stalled *job
	for _, j := range s.jobs {
		switch {
		case j.state != waiting:
		case j.stalled && stalled == nil:
			stalled = j
		case j.stalled:
		case s.views(j, s.made) > 0:
			return j
		case spare == nil:
			spare = j
		}
	}
	return cmp.Or(spare, stalled)
}

// others reports whether there is another fold than j that could be run now.
func (s *schedule) others(j *job) bool {
	return slices.ContainsFunc(s.jobs, func(o *job) bool { return o != j && o.state == waiting && !o.stalled })
}

// progress is the share of the work that is done, between 0 and 1.
func (s *schedule) progress() float64 {
	done, all := 0.0, 0.0
	for _, j := range s.jobs {
		cost := s.pace.cost[j.model] * float64(j.m.Views)
		all += cost * float64(s.images)
		if j.state == failed {
			done += cost * float64(s.images)
		} else {
			done += cost * float64(j.done)
		}
	}
	return done / max(all, 1)
}

// count returns how many folds are in a state.
func (s *schedule) count(is state) int {
	n := 0
	for _, j := range s.jobs {
		if j.state == is {
			n++
		}
	}
	return n
}

// cuts returns the plan's cuts or the default ones.
func cutsOf(p *ensemble.Plan) []ensemble.Cut {
	if len(p.Cuts) > 0 {
		return p.Cuts
	}
	return p.DefaultCuts()
}
