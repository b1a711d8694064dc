package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/cobra"
)

// metricFlags say what is to be made high.
type metricFlags struct {
	name       string
	beta       float64
	offset     float64
	thresholds string
}

const (
	fBeta      = ensemblefile.FBeta
	microFBeta = ensemblefile.MicroFBeta
	accuracy   = ensemblefile.Accuracy
	logLoss    = ensemblefile.LogLoss
)

// What has thresholds of its own.
const (
	common   = "common"
	perClass = "per-class"
)

// perClassOffset is the default of --max-offset where classes have thresholds.
const perClassOffset = 0.1

func (f *metricFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.name, f.thresholds = fBeta, common
	cli.ChoiceVar(fs, &f.name, "metric", ensemblefile.Metrics(), "the score, of rows (f-beta), of all entries (micro-f-beta), of the highest class (accuracy)")
	fs.Float64Var(&f.beta, "beta", 2, "how many times recall weighs more than precision")
	fs.Float64Var(&f.offset, "max-offset", 0, "search a common offset of all thresholds too, up to this far from 0 (default: none; 0.1 with --thresholds per-class)")
	cli.ChoiceVar(fs, &f.thresholds, "thresholds", []string{common, perClass}, "whether classes have thresholds of their own")
}

func (f *metricFlags) check() error {
	switch {
	case !(f.beta > 0 && f.beta < 1e6):
		return cli.Usagef("--beta %s: a number above 0 and below 1000000 is needed", say.Number(f.beta))
	case !(f.offset >= 0 && f.offset < 1):
		return cli.Usagef("--max-offset %s: a number from 0 to 1 is needed", say.Number(f.offset))
	case f.offset > 0 && !strings.HasSuffix(f.name, fBeta):
		return cli.Usagef("--max-offset: the %s knows no thresholds", f.name)
	case f.thresholds == perClass && !strings.HasSuffix(f.name, fBeta):
		return cli.Usagef("--thresholds: the %s knows no thresholds", f.name)
	}
	if f.thresholds == perClass && f.offset == 0 {
		f.offset = perClassOffset
	}
	return nil
}

// pruned is a problem that knows what pruning left of it.
type pruned interface {
	problem.Rows
	Rows() int
	Entries() int
}

// read reads the predictions, showing progress.
func (f *metricFlags) read(cmd *cobra.Command, set *oof.Set) (problem.Rows, error) {
	var p pruned
	err := withProgress(cmd, set, func(ctx context.Context, done func(int)) (err error) {
		switch f.name {
		case accuracy:
			p, err = problem.ReadArgmax(ctx, set, done)
		case logLoss:
			var thresholds [][]float64
			if thresholds, err = set.Thresholds(); err == nil {
				p, err = problem.ReadLogLoss(ctx, set, thresholds, done)
			}
		default:
			p, err = problem.ReadSign(ctx, set, problem.Options{Beta: f.beta, Micro: f.name == microFBeta, MaxOffset: f.offset}, done)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%d models, %d rows x %d classes, of which weights can change %.2f%%", len(set.Models), p.Rows(), set.Classes,
		100*float64(p.Entries())/float64(p.Rows()*set.Classes))
	if l, ok := p.(*problem.LogLoss); ok {
		text += fmt.Sprintf("; the loss is up to %s too low", say.Rate(l.Error()))
	}
	cli.Printf(cmd, "%s", text)
	return p, nil
}
