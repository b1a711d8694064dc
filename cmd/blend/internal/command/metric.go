package command

import (
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/cobra"
)

// metricFlags say which score to maximize.
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

// The values of --thresholds.
const (
	common   = "common"
	perClass = "per-class"
)

func (f *metricFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.name, f.thresholds = fBeta, common
	cli.ChoiceVar(fs, &f.name, "metric", ensemblefile.Metrics(), "score to maximize: mean over rows (f-beta), over all entries (micro-f-beta), share of rows whose highest class is true (accuracy)")
	fs.Float64Var(&f.beta, "beta", 2, "recall counts this many times as much as precision")
	fs.Float64Var(&f.offset, "max-offset", 0, "search a common offset of all thresholds too, at most this far from 0 (default: none; 0.1 with --thresholds per-class)")
	cli.ChoiceVar(fs, &f.thresholds, "thresholds", []string{common, perClass}, "one threshold for all classes, or one for each")
}

func (f *metricFlags) check() error {
	switch {
	case !(f.beta > 0 && f.beta < 1e6):
		return cli.Usagef("--beta %s: a number above 0 and below 1000000 is needed", say.Number(f.beta))
	case !(f.offset >= 0 && f.offset < 1):
		return cli.Usagef("--max-offset %s: a number from 0 to 1 is needed", say.Number(f.offset))
	case f.offset > 0 && !strings.HasSuffix(f.name, fBeta):
		return cli.Usagef("--max-offset: the metric %s has no thresholds", f.name)
	case f.thresholds == perClass && !strings.HasSuffix(f.name, fBeta):
		return cli.Usagef("--thresholds: the metric %s has no thresholds", f.name)
	}
	return nil
}
