package command

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// validation is the result of a cross-validation.
type validation struct {
	label      string // of the score
	thresholds bool   // whether scores are at a threshold
	folds      []foldResult
	// outOfFold is the score of written predictions, one per fold; nil if there are
	// none.
	outOfFold *outOfFold
}

// outOfFold is the score of all rows that the folds held out.
type outOfFold struct {
	score    float64
	rows     int
	constant float64 // the score of the best constant answer
}

type foldResult struct {
	fold, epoch, rows int
	score, threshold  float64
}

// validation returns an empty validation of the project.
func (p *project) validation() *validation {
	return &validation{label: p.config.Score().Label(), thresholds: p.thresholds()}
}

// add appends the result of a fold; epoch is negative if it is unknown.
func (v *validation) add(fold, epoch, rows int, score, threshold float64) {
	v.folds = append(v.folds, foldResult{fold, epoch, rows, score, threshold})
}

// write prints a table of the folds, their mean and standard deviation and, if the
// predictions were written, the score over all rows.
func (v *validation) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := "fold\trows\tbest epoch\t" + v.label + "\t"
	if v.thresholds {
		header += "threshold\t"
	}
	fmt.Fprintln(t, header)
	for _, f := range v.folds {
		epoch := "-"
		if f.epoch >= 0 {
			epoch = fmt.Sprint(f.epoch)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%.4f\t", f.fold, f.rows, epoch, f.score)
		if v.thresholds {
			fmt.Fprintf(t, "%.4f\t", f.threshold)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	mean, sd := v.spread()
	fmt.Fprintf(w, "%s of %d folds: mean %.4f ± %.4f (standard deviation)\n", v.label, len(v.folds), mean, sd)
	if v.outOfFold == nil {
		return nil
	}
	each := ""
	if v.thresholds {
		each = ", each fold at its own threshold"
	}
	o := v.outOfFold
	_, err := fmt.Fprintf(w, "out of fold: %s %.4f on %d rows%s; the best constant answer has %.4f\n", v.label, o.score, o.rows, each, o.constant)
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
