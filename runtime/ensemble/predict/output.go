package predict

import (
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/submission"
)

// output adds up the predictions and writes the submission, again and again.
type output struct {
	path string
	test *testset
	sum  *submission.Sum

	wrote time.Time     // when the submission was last written; zero before
	took  time.Duration // how long that took
	folds int           // finished folds in the file
	stale bool          // the sum has predictions that the file lacks
}

func newOutput(path string, p *ensemble.Plan, test *testset) *output {
	return &output{path: path, test: test, sum: submission.NewSum(p, &test.sample.Form, len(test.images))}
}

// add adds the predictions of a fold for the first images.
func (o *output) add(j *pace.Job, predictions []float32) {
	o.sum.Add(j.Model.Coefficient, j.Fold.Threshold, predictions)
	o.stale = o.stale || len(predictions) > 0
}

// write writes the submission, which has a number of finished folds.
func (o *output) write(folds int) error {
	start := time.Now()
	if err := submission.Write(o.path, o.test.sample, o.test.rows, o.sum, o.fallback()); err != nil {
		return err
	}
	o.wrote, o.folds, o.stale = time.Now(), folds, false
	o.took = o.wrote.Sub(start)
	return nil
}

// written reports whether the file exists.
func (o *output) written() bool { return !o.wrote.IsZero() }

// due reports whether the submission may be written between two folds. Writing takes no
// more than about a twentieth of the time.
func (o *output) due() bool { return !o.written() || time.Since(o.wrote) >= 20*o.took }

func (o *output) fallback() submission.Fallback { return o.sum.Fallback(o.test.sample) }

// defaults returns how many rows have default labels.
func (o *output) defaults() int {
	n := 0
	for _, image := range o.test.rows {
		if !o.sum.Has(image) {
			n++
		}
	}
	return n
}
