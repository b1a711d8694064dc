package predict

import (
	"fmt"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
)

// Summary is the outcome of a run.
type Summary struct {
	Images     int      // distinct ids of the sample submission
	Unreadable []string // ids whose image is missing or can't be decoded
	Damaged    []string // ids whose file is damaged; the image is used all the same
	Defaults   int      // rows of the submission with default labels
	Folds      int      // folds with predictions for all images
	Resumed    int      // those of Folds whose predictions an earlier run made
	Dropped    []string // folds without predictions for all images, each with the reason
	Reduced    []string // folds with fewer views than planned
	Took       time.Duration
}

// countFolds fills the fields about folds.
func (s *Summary) countFolds(run *setup) {
	s.Folds = run.schedule.Count(pace.Finished)
	for _, j := range run.schedule.Jobs {
		name := j.Fold.Name
		switch {
		case j.State == pace.Finished && j.Reduced():
			s.Reduced = append(s.Reduced, fmt.Sprintf("%s: %d of %d views", name, j.Views, j.Model.Views))
		case j.State == pace.Started:
			s.Dropped = append(s.Dropped, fmt.Sprintf("%s: %d of %d images", name, j.Done, len(run.test.images)))
		case j.State == pace.Waiting && !run.idle():
			s.Dropped = append(s.Dropped, name+": no time")
		case j.State == pace.Failed:
			s.Dropped = append(s.Dropped, name+": "+j.Reason)
		}
	}
}

// countImages fills the fields about images. Images that the run did not try to read
// don't count as unreadable.
func (s *Summary) countImages(run *setup, log *imageLog) {
	s.Images = len(run.test.images)
	unreadable, damaged := log.ids()
	s.Damaged = damaged
	if !run.late() && !run.idle() {
		s.Unreadable = unreadable
	}
}
