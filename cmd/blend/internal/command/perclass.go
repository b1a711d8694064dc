package command

import (
	"fmt"
	"math"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"github.com/deploy-kernel/deploy-kernel/blend/threshold"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/cobra"
)

// perClass finds a threshold for each class, and tells what they are worth. held
// are the points that were fitted without each fold, if there are any.
func (f *fitFlags) perClass(cmd *cobra.Command, set *oof.Set, p *problem.Sign, result search.Result, held [][]float64) (*threshold.Result, error) {
	o := threshold.Options{Strength: f.strength, Held: held}
	progress := cli.NewProgress(cmd, "thresholds", int64(o.Steps()), cli.Items)
	defer progress.Close()
	o.Progress = func() { progress.Add(1) }
	r, err := threshold.Run(cmd.Context(), p, set, result.Point, o)
	if err != nil {
		return nil, err
	}
	progress.Close()
	how := "chosen by cross-validation"
	if f.strength != nil {
		how = "as given"
	}
	w := cmd.OutOrStdout()
	changed := 0
	for _, o := range r.ClassOffsets() {
		if o != 0 {
			changed++
		}
	}
	switch {
	case changed == 0:
		fmt.Fprintf(w, "\nper-class thresholds do not help; none changed\n")
	case r.Strength == 0:
		fmt.Fprintf(w, "\nthresholds of %s changed, not shrunk (%s)\n", say.Count(changed, "class"), how)
	default:
		fmt.Fprintf(w, "\nthresholds of %s changed, shrunk by n/(n + %s) for n true rows (%s)\n", say.Count(changed, "class"), say.Number(r.Strength), how)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, fitted, heldOut float64) {
		fmt.Fprintf(t, "%s\t%.5f\t%s\n", name, fitted, number("%.5f", heldOut))
	}
	fmt.Fprintln(t, "\tfitted\theld out")
	line("common", r.Fitted.Common, r.HeldOut.Common)
	line("per class", r.Fitted.PerClass, r.HeldOut.PerClass)
	if err := t.Flush(); err != nil {
		return nil, err
	}
	switch {
	case changed == 0:
	case math.IsNaN(r.HeldOut.PerClass):
		cli.Printf(cmd, "warning: thresholds per class over-fit, and were not validated")
	case r.HeldOut.PerClass <= r.HeldOut.Common:
		cli.Printf(cmd, "warning: on rows they were not fitted to, thresholds per class score %.5f, the common one %.5f: --thresholds common is the better choice",
			r.HeldOut.PerClass, r.HeldOut.Common)
	}
	return r, nil
}
