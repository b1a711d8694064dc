package command

import (
	"fmt"
	"time"

	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/spf13/cobra"
)

// watcher shows the progress of a fit and prints what each stage found.
type watcher struct {
	cmd      *cobra.Command
	flags    *fitFlags
	set      *oof.Set
	metric   metric.Metric
	progress *cli.Progress // of the stage that runs, or nil
}

func (w *watcher) begin(s blend.Stage, total int64) (done func(units int64)) {
	switch s {
	case blend.Reading:
		w.progress, done = readProgress(w.cmd, w.set)
		return done
	case blend.Validating:
		w.progress = cli.NewProgress(w.cmd, "validating", total, cli.Items)
	default:
		w.progress = cli.NewProgress(w.cmd, "thresholds", total, cli.Items)
	}
	return w.progress.Add
}

// close ends the progress of a stage.
func (w *watcher) close() {
	if w.progress != nil {
		w.progress.Close()
	}
	w.progress = nil
}

func (w *watcher) end(s blend.Stage, r *blend.Result) error {
	w.close()
	switch s {
	case blend.Reading:
		w.read(r.Problem)
	case blend.Searching:
		found := r.Search
		cli.Printf(w.cmd, "%s, %s: %.6f after %d points and %d lines in %s", w.flags.search.Method, w.metric, found.Score, found.Evaluations, found.Lines,
			found.Took.Round(time.Millisecond))
	case blend.Validating:
		return w.validated(r.Report)
	case blend.Thresholds:
		return w.perClass(r.Thresholds)
	}
	return nil
}

// read prints what pruning left of a problem.
func (w *watcher) read(p blend.Problem) {
	text := fmt.Sprintf("%s, %d rows x %s", say.Count(len(w.set.Models), "model"), p.Rows(), say.Count(w.set.Columns, columnNoun(w.set)))
	switch p := p.(type) {
	case *problem.Ranks:
		text += fmt.Sprintf(", of which %s are scored", say.Count(p.Entries()/p.Rows(), "class"))
	case *problem.Squares, *problem.Graded:
	default:
		text += fmt.Sprintf(", of which coefficients can change %.2f%%", 100*float64(p.Entries())/float64(p.Rows()*w.set.Columns))
	}
	if l, ok := p.(*problem.LogLoss); ok {
		text += fmt.Sprintf("; the loss is up to %s too low", say.Rate(l.Error()))
	}
	cli.Printf(w.cmd, "%s", text)
}
