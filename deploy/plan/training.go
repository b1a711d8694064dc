package plan

import (
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// beta is the beta of the F-beta score that the best constant answer maximizes.
const beta = 2

// checkMetric refuses an ensemble that was blended for a metric of another submission
// than labels, unless the user asks for labels.
func (b *builder) checkMetric(e *ensemblefile.Ensemble) error {
	if e.OfLabels() || b.options.Submission == input.Labels {
		return nil
	}
	what := "which scores a probability of each class"
	if e.Metric.Name == metric.Accuracy {
		what = "which scores the highest class of each image"
	}
	return hint.New(fmt.Errorf("%s: it was blended for the metric %s, %s; this kind of submission is not supported: a submission has the numbers of all classes above their thresholds",
		b.ensemble, e.Metric, what), "blend again with --metric f-beta, or take such a submission by --submission labels")
}

// readTable reads the training table of the config of j, or returns nil if there is
// none.
func (b *builder) readTable(j *job) (*input.Table, error) {
	path, ok := b.data(filepath.Base(j.table.CSV))
	if !ok {
		return nil, nil
	}
	return input.ReadTableFile(path)
}

// training sets the default labels of the plan and the number of labels of an image,
// from the training table if there is one.
func (b *builder) training(p *ensemble.Plan) {
	table, err := b.table()
	if err != nil {
		b.warn("images without a prediction get the most frequent labels: %v", err)
		return
	}
	if table == nil {
		return
	}
	labels := make([][]int, len(table.Rows))
	training := input.OneLabel
	for i := range table.Rows {
		if labels[i], err = table.Classes(i, p.Classes); err != nil {
			b.warn("images without a prediction get the most frequent labels: %v", err)
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
