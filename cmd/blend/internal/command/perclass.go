package command

import (
	"fmt"
	"math"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/blend/threshold"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
)

// perClass prints the thresholds of the classes and what they are worth.
func (w *watcher) perClass(r *threshold.Result) error {
	how := "chosen by cross-validation"
	if w.flags.strength != nil {
		how = "as given"
	}
	out := w.cmd.OutOrStdout()
	changed := 0
	for _, o := range r.ClassOffsets() {
		if o != 0 {
			changed++
		}
	}
	switch {
	case changed == 0:
		fmt.Fprintf(out, "\nper-class thresholds do not help; none changed\n")
	case r.Strength == 0:
		fmt.Fprintf(out, "\nthresholds of %s changed, not shrunk (%s)\n", say.Count(changed, "class"), how)
	default:
		fmt.Fprintf(out, "\nthresholds of %s changed, shrunk by n/(n + %s) for n true rows (%s)\n", say.Count(changed, "class"), say.Number(r.Strength), how)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name string, fitted, heldOut float64) {
		fmt.Fprintf(t, "%s\t%.5f\t%s\n", name, fitted, number("%.5f", heldOut))
	}
	fmt.Fprintln(t, "\tfitted\theld out")
	line("common", r.Fitted.Common, r.HeldOut.Common)
	line("per class", r.Fitted.PerClass, r.HeldOut.PerClass)
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case changed == 0:
	case math.IsNaN(r.HeldOut.PerClass):
		cli.Printf(w.cmd, "warning: per-class thresholds over-fit, and these were not validated")
	case r.HeldOut.PerClass <= r.HeldOut.Common:
		cli.Printf(w.cmd, "warning: on rows they were not fitted to, per-class thresholds score %.5f, the common one %.5f: use --thresholds common",
			r.HeldOut.PerClass, r.HeldOut.Common)
	}
	return nil
}
