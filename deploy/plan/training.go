package plan

import (
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// readTable reads the training table of the config of j, or returns nil if there is none.
func (b *builder) readTable(j *job, p *ensemble.Plan) (*labeltable.Table, error) {
	path, ok := b.data(filepath.Base(j.table.CSV))
	if !ok {
		return nil, nil
	}
	return labeltable.Open(path, j.spec.Labels.Options(p.Task, p.Classes, p.ClassNames))
}

// training sets what the training table shows: the names of the classes, the number of
// labels of an image, and the default answers, which are the best for the metric m.
func (b *builder) training(p *ensemble.Plan, m metric.Metric) {
	table, err := b.table()
	if err == nil && table != nil && table.Classes != p.Classes {
		err = fmt.Errorf("%s: it has %d classes, but the ensemble has %d", table.Name, table.Classes, p.Classes)
	}
	if err != nil {
		b.warn("images without a prediction get the most frequent labels: %v", err)
		return
	}
	if table == nil || len(table.IDs) == 0 {
		return
	}
	if len(p.ClassNames) == 0 {
		p.ClassNames = table.Names
	}
	if len(table.LabelColumns) == 1 {
		p.Column = table.LabelColumns[0]
	}
	if p.Task == task.Multilabel {
		p.Training = input.OneLabel
		for _, labels := range table.Labels {
			if len(labels) != 1 {
				p.Training = input.SeveralLabels
			}
		}
	}
	best, _ := m.Constant(metric.Rows{Labels: table.Labels, Values: table.Values, Classes: p.Classes, Task: p.Task})
	p.Fallback, p.Prior = best.Labels, best.Values
}
