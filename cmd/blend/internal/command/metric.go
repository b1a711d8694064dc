package command

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/spf13/cobra"
)

// metricFlags say what is to be made high.
type metricFlags struct {
	name   string
	beta   float64
	offset float64
}

func (f *metricFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.name, "metric", "f-beta", "the score: f-beta (the mean of the rows') or micro-f-beta (of all entries)")
	fs.Float64Var(&f.beta, "beta", 2, "how many times recall weighs more than precision")
	fs.Float64Var(&f.offset, "max-offset", 0, "search a common offset of all thresholds too, up to this far from 0 (default: none)")
}

func (f *metricFlags) check() error {
	switch {
	case f.name != "f-beta" && f.name != "micro-f-beta":
		return cli.Usagef("--metric: unknown metric %q; there are f-beta and micro-f-beta", f.name)
	case !(f.beta > 0 && f.beta < 1e6):
		return cli.Usagef("--beta: %v is not a number above 0", f.beta)
	case !(f.offset >= 0 && f.offset < 1):
		return cli.Usagef("--max-offset: %v is not a number from 0 to 1", f.offset)
	}
	return nil
}

// read reads the predictions, showing progress.
func (f *metricFlags) read(cmd *cobra.Command, set *oof.Set) (problem.Rows, error) {
	o := problem.Options{Beta: f.beta, Micro: f.name == "micro-f-beta", MaxOffset: f.offset}
	var p *problem.Sign
	err := withProgress(cmd, set, func(ctx context.Context, done func(int)) (err error) {
		p, err = problem.ReadSign(ctx, set, o, done)
		return err
	})
	if err != nil {
		return nil, err
	}
	cli.Printf(cmd, "%d models, %d rows x %d classes, of which weights can change %.2f%%", len(set.Models), p.Rows(), set.Classes,
		100*float64(p.Entries())/float64(p.Rows()*set.Classes))
	return p, nil
}
