package plan

import (
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/blend/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// beta is that of the competition's F-beta, for which the best constant answer is
// found.
const beta = 2

// checkMetric refuses an ensemble whose weights were found for a metric that does
// not score a submission of labels, unless the user asks for one.
func (b *builder) checkMetric(e *ensemblefile.Ensemble) error {
	if e.OfLabels() || b.options.Submission == input.Labels {
		return nil
	}
	what := map[string]string{
		ensemblefile.Accuracy: "which scores the highest class of each image",
		ensemblefile.LogLoss:  "which scores a probability of each class",
	}[e.Metric]
	return cli.Hint(fmt.Errorf("%s: it was blended for the metric %s, %s; this kind of submission is not supported: a submission has the numbers of all classes above their thresholds",
		b.ensemble, e.Metric, what), "blend again with --metric f-beta, or take such a submission by --submission labels")
}

// training fills in what the training table tells, where it is there: the best
// constant answer, and how many labels an image has.
func (b *builder) training(p *ensemble.Plan, jobs []*job) {
	path, ok := b.files.find(filepath.Base(jobs[0].train.CSV))
	if !ok {
		return
	}
	table, err := input.ReadTableFile(path)
	if err != nil {
		b.warn("images without prediction get the most frequent labels: %v", err)
		return
	}
	labels := make([][]int, len(table.Rows))
	training := input.OneLabel
	for i := range table.Rows {
		if labels[i], err = table.Classes(i, p.Classes); err != nil {
			b.warn("images without prediction get the most frequent labels: %v", err)
			return
		}
		if len(labels[i]) != 1 {
			training = input.SeveralLabels
		}
	}
	if len(labels) == 0 {
		return
	}
	p.Training, p.Column = training, table.Columns[1]
	p.Fallback, _ = metric.BestConstant(labels, p.Classes, beta)
}
