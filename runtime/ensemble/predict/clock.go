package predict

import (
	"time"
)

// left is the time until the last write of the submission must begin.
func (r *run) left() time.Duration {
	// For the last write and what else may be slow then: three times what the
	// last one took, and a part of the budget.
	reserve := min(max(r.o.Budget/60, 50*time.Millisecond), time.Minute) + 3*r.writeTook
	return time.Until(r.start.Add(r.o.Budget - reserve))
}

// late returns a channel that tells when the time is over; nil, which never
// tells, where there is no budget.
func (r *run) late() <-chan time.Time {
	if r.o.Budget <= 0 {
		return nil
	}
	return time.After(r.left())
}

// fit makes the cuts that the time asks for, and tells of them.
func (r *run) fit(running *job) {
	if r.o.Budget <= 0 {
		return
	}
	r.sched.fit(r.left(), running)
	if r.sched.made == r.told || time.Since(r.toldAt) < r.o.Budget/50 {
		return
	}
	r.told, r.toldAt = r.sched.made, time.Now()
	views, folds := 0, 0
	for _, j := range r.sched.jobs {
		if j.state != waiting && j != running {
			continue
		}
		switch v := r.sched.views(j, r.sched.made); {
		case v == 0:
			folds++
		case v < j.m.Views:
			views++
		}
	}
	score := ""
	if r.sched.made > 0 && r.sched.cuts[r.sched.made-1].Score > 0 {
		score = fmtScore(r.sched.cuts[r.sched.made-1].Score, r.plan.Score)
	}
	if views+folds == 0 {
		r.journal.line("everything that is left fits into the budget of %s", short(r.o.Budget))
		return
	}
	r.journal.line("to keep to the budget of %s: %d folds with fewer views, %d left out or predicted in part%s", short(r.o.Budget), views, folds, score)
}

// early writes the submission of the folds that are finished. Writing takes
// no more than a twentieth of the time.
func (r *run) early() {
	if !r.wrote.IsZero() && time.Since(r.wrote) < 20*r.writeTook {
		return
	}
	start := time.Now()
	if err := r.write(); err != nil {
		if !r.cantWrite {
			r.journal.warn("%v", err)
		}
		r.cantWrite = true
		return
	}
	r.wrote, r.wroteFolds, r.dirty = time.Now(), r.sched.count(finished), false
	r.writeTook = r.wrote.Sub(start)
}
