package pace

import "time"

// overhead is the part of the time that passes between the folds.
const overhead = 0.005

// Fit makes as few cuts as let the run end within left. running is the job that is being
// predicted, nil if there is none.
func (s *Schedule) Fit(left time.Duration, running *Job) {
	views := map[*Job]int{}
	total := 0.0
	for _, j := range s.Jobs {
		views[j] = j.Model.Views
		total += s.seconds(j, running, j.Model.Views)
	}
	s.made = 0
	for left := left.Seconds() / (1 + overhead); total > left && s.made < len(s.cuts); s.made++ {
		j := s.cutJob[s.made]
		v := min(views[j], s.cuts[s.made].Views)
		total += s.seconds(j, running, v) - s.seconds(j, running, views[j])
		views[j] = v
	}
}

// Views returns how many views the next image of a running job gets: at least one.
func (s *Schedule) Views(j *Job) int { return max(s.planned(j, s.made), 1) }

// planned returns how many views the images of j get after a number of cuts; 0 drops the
// job.
func (s *Schedule) planned(j *Job, cuts int) int {
	v := j.Model.Views
	for i, c := range s.cuts[:cuts] {
		if s.cutJob[i] == j {
			v = min(v, c.Views)
		}
	}
	return v
}

// seconds estimates how long the rest of a job takes with a number of views.
func (s *Schedule) seconds(j, running *Job, views int) float64 {
	switch {
	case j == running:
		return float64(s.images-j.Done) * float64(max(views, 1)) * s.Speed.view(j.ModelIndex)
	case j.State == Waiting:
		return s.Speed.fold(j.ModelIndex, s.images, views, j.Fold.Size)
	}
	return 0
}

// Remaining estimates the time to the end of the run.
func (s *Schedule) Remaining(running *Job) time.Duration {
	total := 0.0
	for _, j := range s.Jobs {
		total += s.seconds(j, running, s.planned(j, s.made))
	}
	return time.Duration(total * float64(time.Second))
}

// Loss is what the cuts that are made cost.
type Loss struct {
	Cuts    int     // number of cuts
	Reduced int     // jobs to run that get fewer views than planned
	Dropped int     // jobs to run that are dropped
	Score   float64 // validation score of the rest; 0 if unknown
}

// Loss returns what the cuts that are made cost the jobs to run.
func (s *Schedule) Loss(running *Job) Loss {
	l := Loss{Cuts: s.made}
	for _, j := range s.Jobs {
		if j.State != Waiting && j != running {
			continue
		}
		switch v := s.planned(j, s.made); {
		case v == 0:
			l.Dropped++
		case v < j.Model.Views:
			l.Reduced++
		}
	}
	if s.made > 0 {
		l.Score = s.cuts[s.made-1].Score
	}
	return l
}
