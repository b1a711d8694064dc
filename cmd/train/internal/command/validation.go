package command

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// validation is what the folds of a cross-validation came to.
type validation struct {
	folds []foldResult
	// constant is the F2 of the best constant answer over all rows, 0 if unknown;
	// outOfFold says that the scores are those of written predictions.
	constant  float64
	outOfFold bool
}

type foldResult struct {
	fold, epoch, rows int
	score, threshold  float64
}

// add takes the result of a fold up. An epoch below 0 is not known.
func (v *validation) add(fold, epoch, rows int, score, threshold float64) {
	v.folds = append(v.folds, foldResult{fold, epoch, rows, score, threshold})
}

// write prints the folds, their mean and standard deviation and, of written
// predictions, the score of all rows.
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
