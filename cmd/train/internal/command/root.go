// Package command implements the command train, one verb a file. A verb reads its flags and
// leaves the work to other packages.
//
//	cli.Main(command.New())
package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// New returns the command tree. The root trains and predicts; the other verbs
// are its subcommands.
func New() *cobra.Command {
	var f trainFlags
	root := &cobra.Command{
		Use:   "train --config CONFIG.yml",
		Short: "Train a network fold by fold, and predict what it has not seen",
		Long: `train trains the network of a config on all folds of a table but one, and
validates it on that one. Weights, results and pictures of a fold go to
runs/<config>/f<fold>/; --run names another folder than runs/<config>.

Ctrl-C finishes the step and saves a checkpoint. --resume auto continues from it,
and ends with the same weights as a training without interruption.

With --predict-oof or --predict-test, train predicts instead: the rows that each
fold held out, or the test images. It takes the best weights of each fold, or the
file that --weights names. The predictions, level1_train_<model>.npy and
level1_test_<model>.npy, and the threshold, <model>.yml, go beside the weights.
Weights carry their config, so --config is then optional.`,
		Example: `  train folds --config small.yml
  train --config small.yml --folds 0-4
  train --config small.yml --folds 0-4 --predict-oof --predict-test
  train --config small.yml --fold 0 --pretrained resnet20.th --lr 1e-3 --set train.batch_size=8
  train --config small.yml --weights models/ --all --predict-oof --num-ttas 2
  train --weights models/ --all --predict-oof --predict-test -o predictions/
  train --config small.yml --resume auto --max-time 8h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.add(root)
	root.AddCommand(foldsVerb(), swaVerb(), pseudoLabelsVerb())
	return root
}

// parseFolds reads a list of folds such as 0-2,4.
func parseFolds(text string, all int) ([]int, error) {
	var folds []int
	for _, part := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || a > b {
			return nil, cli.Usagef("--folds %q: folds are numbers and ranges, such as 0-2,4", text)
		}
		for f := a; f <= b; f++ {
			if f < 0 || f >= all {
				return nil, fmt.Errorf("fold %d: model.num_folds is %d, so there are 0 to %d", f, all, all-1)
			}
			if !slices.Contains(folds, f) {
				folds = append(folds, f)
			}
		}
	}
	return folds, nil
}
