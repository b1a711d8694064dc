package command

import (
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
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
	return nil
}
