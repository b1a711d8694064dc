package plan

import (
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// readTable reads the training table of the config of j, or returns nil if there is
// none.
func (b *builder) readTable(j *job) (*input.Table, error) {
	path, ok := b.data(filepath.Base(j.table.CSV))
	if !ok {
		return nil, nil
	}
	return input.ReadTableFile(path)
}

// training sets the default answers of the plan and the number of labels of an image, from
// the training table if there is one.
func (b *builder) training(p *ensemble.Plan) {
	table, err := b.table()
	if err != nil {
		b.warn("images without a prediction get the most frequent labels: %v", err)
		return
	}
	if table == nil || p.Task == task.Regression {
		return
	}
	y := metric.Rows{Labels: make([][]int, len(table.Rows)), Classes: p.Classes, Task: p.Task}
	training := input.OneLabel
	for i := range table.Rows {
		if y.Labels[i], err = table.Classes(i, p.Classes); err != nil {
			b.warn("images without a prediction get the most frequent labels: %v", err)
			return
		}
		if len(y.Labels[i]) != 1 {
			training = input.SeveralLabels
		}
	}
	if len(y.Labels) == 0 {
		return
	}
	p.Training, p.Column = training, table.Columns[1]
	best, _ := metric.Default(p.Task).Constant(y)
	p.Fallback, p.Prior = best.Labels, best.Values
}
