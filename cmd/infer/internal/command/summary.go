package command

import (
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/summary"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/spf13/cobra"
)

// summarize returns the verb that shows the layers of networks.
func summarize() *cobra.Command {
	var c choice
	var o plan.Options
	var key keyfile.Source
	classes := 1000
	cmd := &cobra.Command{
		Use:   "summary WEIGHTS-OR-ARCHITECTURE-OR-ENSEMBLE...",
		Short: "Show a network's layers: outputs, parameters, work",
		Long: `summary prints a table of the layers of each network: name, kind, output shape,
parameters and GFLOP. The last line has the sums, and the largest memory of the
activations of one image. Arguments are files of weights, names of architectures,
and ensemble files, whose weights may be encrypted.`,
		Example: `  infer summary 2b_se_resnext50_f0_e14_0.5975.safetensors
  infer summary seresnext50_32x4d --input-size 320 --classes 1103
  infer summary best_val_0.6397.yml --weights models/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if key.Given() {
				o.Key = func() (crypt.Key, error) { return key.Load(cmd.Context()) }
			}
			for _, arg := range args {
				gs, err := drawAll(cmd, arg, c, classes, o)
				if err != nil {
					return err
				}
				for _, g := range gs {
					if err := summary.Of(g).Write(cmd.OutOrStdout()); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	addChoice(cmd, &c)
	cmd.Flags().StringSliceVar(&o.Weights, "weights", nil, "`FOLDERS` of an ensemble's weights and thresholds (default: the ensemble's folder)")
	cmd.Flags().StringSliceVar(&o.Configs, "configs", nil, "`FOLDERS` of configs, for weights that do not contain theirs")
	key.AddFlag(cmd.Flags())
	cmd.Flags().IntVar(&classes, "classes", classes, "`NUMBER` of classes of a named architecture")
	return cmd
}

// drawAll builds the distinct networks of an ensemble file, or the network of a file of
// weights or an architecture.
func drawAll(cmd *cobra.Command, name string, c choice, classes int, o plan.Options) ([]*nn.Graph, error) {
	if ext := filepath.Ext(name); ext != ".yml" && ext != ".yaml" {
		g, f, err := drawNamed(cmd, name, c, classes)
		if f != nil {
			f.Close()
		}
		return []*nn.Graph{g}, err
	}
	o.WeightsKey = c.key
	o.Warn = func(text string) { cli.Printf(cmd, "warning: %s", text) }
	built, err := plan.Build(cmd.Context(), name, o)
	if err != nil {
		return nil, err
	}
	type kind struct {
		arch          string
		size, classes int
	}
	drawn := map[kind]bool{}
	var gs []*nn.Graph
	for _, m := range built.Plan.Models {
		k := kind{m.Arch, m.InputSize, m.Classes}
		if drawn[k] {
			continue
		}
		drawn[k] = true
		a, err := arch.Find(built.Archs, m.Arch)
		if err != nil {
			return nil, err
		}
		g, err := a.Build(m.Config())
		if err != nil {
			return nil, err
		}
		gs = append(gs, g)
	}
	return gs, nil
}

// drawNamed builds the network of a file of weights or of an architecture. It returns
// the open file, which the caller closes, or nil for an architecture.
func drawNamed(cmd *cobra.Command, name string, c choice, classes int) (*nn.Graph, *weightfile.File, error) {
	if _, err := os.Stat(name); err == nil {
		f, err := openWeights(cmd, name, c)
		if err != nil {
			return nil, nil, err
		}
		g, _, err := drawWeights(f, c)
		if err != nil {
			f.Close()
			return nil, nil, err
		}
		return g, f, nil
	}
	a, err := network.Find(arch.All(), name)
	if err != nil {
		return nil, nil, hint.New(err, "there is no file %s either", name)
	}
	if c.InputSize == 0 {
		return nil, nil, cli.Usagef("--input-size is needed: %s takes any", name)
	}
	g, err := a.Build(arch.Config{InputSize: c.InputSize, Classes: classes})
	return g, nil, err
}
