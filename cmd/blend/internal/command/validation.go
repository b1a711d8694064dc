package command

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/report"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// validated prints the validation and the warnings about it.
func (w *watcher) validated(r *report.Report) error {
	if err := printReport(w.cmd.OutOrStdout(), w.set, r); err != nil {
		return err
	}
	for _, text := range w.warnings(r) {
		cli.Printf(w.cmd, "warning: %s", text)
	}
	return nil
}

func printReport(w io.Writer, set *oof.Set, r *report.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "model\tsingle\tcoefficient\twithout it\tcorrelation\t")
	for i, m := range r.Models {
		fmt.Fprintf(t, "%s\t%.4f\t%.4f\t%+.5f\t%s\t\n", set.Models[i].Name, m.Single, m.Coefficient, 0-m.Loss, number("%.3f", m.Correlation))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
equal          %.5f
fitted         %.5f  (95%% of bootstrap samples: %.5f to %.5f)
gain           %+.5f  (95%% of bootstrap samples: %+.5f to %+.5f)
held out       %s  (each fold scored with coefficients fitted to the others; fitted - held out = %s)
`, r.Equal, r.Fitted, r.Interval.Low, r.Interval.High, r.Fitted-r.Equal, r.Gain.Low, r.Gain.High,
		number("%.5f", r.HeldOut), number("%+.5f", r.Fitted-r.HeldOut))
	return err
}

// number formats v, or returns "-" for NaN.
func number(format string, v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// comparable reports whether the held-out score says how good the coefficients are: there
// are several, and no bounds of grades are fitted beside them.
func (w *watcher) comparable() bool {
	graded := w.metric.Decides() && (w.set.Task == task.Ordinal || w.set.Task == task.Regression)
	return len(w.set.Models) > 1 && !graded
}

// warnings returns what looks wrong about the scores.
func (w *watcher) warnings(r *report.Report) (list []string) {
	if r.Fitted == 0 && w.metric.HasBeta() {
		list = append(list, "no coefficients give a true label: was the threshold subtracted from the predictions, and are the rows in the table's order?")
	} else if w.comparable() {
		if gap := r.Fitted - r.HeldOut; r.HeldOut < r.Equal {
			list = append(list, fmt.Sprintf("on rows they were not fitted to, the coefficients score %.5f, equal ones %.5f: --method equal may be the better choice", r.HeldOut, r.Equal))
		} else if gap > (r.Fitted-r.Equal)/2 && gap > 1e-6 {
			list = append(list, fmt.Sprintf("more than half of the gain over equal coefficients is lost on rows that they were not fitted to (%.5f of %.5f)", gap, r.Fitted-r.Equal))
		}
	}
	for i, m := range r.Models {
		for fold, score := range m.Folds {
			file := w.set.Models[i].Files[fold]
			n, err := ensemblefile.ParseName(file)
			if err != nil {
				continue
			}
			if w.metric.Name != metric.FBeta || w.set.Task != task.Multilabel {
				continue
			}
			if said, err := strconv.ParseFloat(n.Score, 64); err == nil && said <= 1 && score < said/2 {
				list = append(list, fmt.Sprintf("%s scores %.4f, its name says %s: are these the rows of fold %d, in the table's order?", filepath.Base(file), score, n.Score, fold))
			}
		}
	}
	return list
}
