package predict

import (
	"fmt"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
)

// report tells the user how far a run is.
type report struct {
	journal  *journal
	clock    *pace.Clock
	schedule *pace.Schedule
	images   int
	score    float64 // validation score of the whole plan; 0 if unknown

	shown   int       // number of cuts that the user knows of
	shownAt time.Time // when the user was last told
}

// cuts shows what the current cuts cost, if that has changed and the last message is
// older than 1/50 of the budget.
func (r *report) cuts(running *pace.Job) {
	loss := r.schedule.Loss(running)
	if loss.Cuts == r.shown || time.Since(r.shownAt) < r.clock.Budget()/50 {
		return
	}
	r.shown, r.shownAt = loss.Cuts, time.Now()
	budget := short(r.clock.Budget())
	if loss.Reduced+loss.Dropped == 0 {
		r.journal.line("the rest of the plan fits into the budget of %s", budget)
		return
	}
	score := ""
	switch {
	case loss.Score > 0 && r.score > 0:
		score = fmt.Sprintf(" (validation score %.4f instead of %.4f)", loss.Score, r.score)
	case loss.Score > 0:
		score = fmt.Sprintf(" (validation score %.4f)", loss.Score)
	}
	r.journal.line("to end within %s: %d folds get fewer views, %d are left out or predicted in part%s", budget, loss.Reduced, loss.Dropped, score)
}

// late tells that the budget is used up.
func (r *report) late() {
	r.journal.line("the budget of %s is used up: ending with the predictions so far", short(r.clock.Budget()))
}

// status shows the progress of the running job.
func (r *report) status(j *pace.Job) {
	r.journal.status(r.schedule.Progress(), fmt.Sprintf("%s: %d of %d images, %s, %s",
		j.Fold.Name, j.Done, r.images, r.rate(j), r.rest(j)))
}

// fold tells that a job is finished.
func (r *report) fold(j *pace.Job) {
	r.journal.line("%d of %d: %s, %s, %s", r.schedule.Count(pace.Finished), len(r.schedule.Jobs), j.Fold.Name, r.rate(j), r.rest(nil))
}

func (r *report) rate(j *pace.Job) string { return fmt.Sprintf("%.1f images/s", r.schedule.Rate(j)) }

// rest returns when the run will end.
func (r *report) rest(running *pace.Job) string {
	left := r.schedule.Remaining(running)
	return fmt.Sprintf("%s left, end at %s", short(left), time.Now().Add(left).Format("15:04:05"))
}

// end tells the outcome of the run.
func (r *report) end(s *Summary, o *output, idle bool) {
	for _, text := range s.Reduced {
		r.journal.line("fewer views than planned: %s", text)
	}
	for _, text := range s.Dropped {
		r.journal.line("not fully predicted: %s", text)
	}
	if n := len(s.Unreadable); n > 0 {
		r.journal.line("%d images without prediction: %s", n, some(s.Unreadable))
	}
	if n := len(s.Damaged); n > 0 {
		r.journal.warn("%d damaged images are predicted as far as they can be decoded: %s", n, some(s.Damaged))
	}
	if !r.schedule.Predicted() && !idle {
		r.journal.warn("no time for any prediction")
	}
	if s.Defaults > 0 {
		r.journal.warn("%d of %d rows have no prediction; they get %s", s.Defaults, len(o.test.rows), o.fallback())
	}
	r.journal.line("%s: %d images, %d of %d folds, %s", o.path, s.Images, s.Folds, len(r.schedule.Jobs), short(s.Took))
}

// some joins the first five texts.
func some(texts []string) string {
	if len(texts) <= 5 {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts[:5], ", ") + ", …"
}
