package command

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// validation is the result of a cross-validation.
type validation struct {
	folds []foldResult
	// outOfFold reports whether the scores are of written predictions, one per
	// fold. constant is then the F2 of the best constant answer over all rows.
	outOfFold bool
	constant  float64
}

type foldResult struct {
	fold, epoch, rows int
	score, threshold  float64
}

// add appends the result of a fold; epoch is negative if it is unknown.
func (v *validation) add(fold, epoch, rows int, score, threshold float64) {
	v.folds = append(v.folds, foldResult{fold, epoch, rows, score, threshold})
}

// write prints a table of the folds, their mean and standard deviation and, if the
// predictions were written, the score over all rows.
func (v *validation) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "fold\trows\tbest epoch\tF2\tthreshold\t")
	rows, sum := 0, 0.0
	for _, f := range v.folds {
		epoch := "-"
		if f.epoch >= 0 {
			epoch = fmt.Sprint(f.epoch)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%.4f\t%.4f\t\n", f.fold, f.rows, epoch, f.score, f.threshold)
		rows += f.rows
		sum += float64(f.rows) * f.score
	}
	if err := t.Flush(); err != nil {
		return err
	}
	mean, sd := v.spread()
	fmt.Fprintf(w, "F2 of %d folds: mean %.4f ± %.4f (standard deviation)\n", len(v.folds), mean, sd)
	if !v.outOfFold {
		return nil
	}
	_, err := fmt.Fprintf(w, "out of fold: F2 %.4f on %d rows, each fold at its own threshold; the best constant answer has %.4f\n",
		sum/float64(rows), rows, v.constant)
	return err
}

// spread returns the mean of the scores and their standard deviation, over n-1.
func (v *validation) spread() (mean, sd float64) {
	n := float64(len(v.folds))
	for _, f := range v.folds {
		mean += f.score / n
	}
	for _, f := range v.folds {
		sd += (f.score - mean) * (f.score - mean)
	}
	return mean, math.Sqrt(sd / max(n-1, 1))
}
