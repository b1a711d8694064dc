package command

import (
	"os"

	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/network"
	"github.com/deploy-kernel/deploy-kernel/internal/summary"
	"github.com/deploy-kernel/deploy-kernel/internal/weightfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/spf13/cobra"
)

// summarize is the verb that shows what networks are made of.
func summarize() *cobra.Command {
	var c network.Choice
	classes := 1000
	cmd := &cobra.Command{
		Use:   "summary WEIGHTS-OR-ARCHITECTURE...",
		Short: "Show a network's layers: outputs, parameters, work",
		Long: `summary prints a table of the layers of each network: name, kind, output,
parameters and GFLOP, with a line of the sums. A network is told by a file of
weights, or by the name of an architecture.`,
		Example: `  infer summary 2b_se_resnext50_f0_e14_0.5975.safetensors
  infer summary seresnext50_32x4d --input-size 320 --classes 1103`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				g, err := drawNamed(arg, c, classes)
				if err != nil {
					return err
				}
				if err := summary.Of(g).Write(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	addChoice(cmd, &c)
	cmd.Flags().IntVar(&classes, "classes", classes, "`NUMBER` of classes, of an architecture that is named")
	return cmd
}

// drawNamed draws the network of a file of weights or of an architecture.
func drawNamed(name string, c network.Choice, classes int) (*nn.Graph, error) {
	if _, err := os.Stat(name); err == nil {
		f, err := weightfile.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		g, _, err := drawWeights(f, c)
		return g, err
	}
	a, err := arch.Find(arch.All(), name)
	if err != nil {
		return nil, cli.Hint(err, "%s is no file either", name)
	}
	if c.InputSize == 0 {
		return nil, cli.Hint(network.ErrInputSize, "give --input-size")
	}
	return a.Build(arch.Config{InputSize: c.InputSize, Classes: classes})
}
