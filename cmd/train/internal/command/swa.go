package command

import (
	"fmt"
	"os"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/swa"
	"github.com/spf13/cobra"
)

// swaVerb averages weights.
func swaVerb() *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "swa --config CONFIG.yml --fold N WEIGHTS...",
		Short: "Average weights, and compute their batch-norm statistics",
		Long: `swa writes the mean of several weights of one network (stochastic weight
averaging), with batch-norm statistics computed on the images to train on, as a
model of its own: <config>_f<fold>_e<epoch>_<score>.safetensors, where score and
threshold are those of the held-out rows and epoch is the latest one.`,
		Example: `  train swa --config small.yml --fold 0 -o swa/ runs/small/f0/last/*.safetensors other.safetensors`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := f.config.project(cmd)
			if err != nil {
				return err
			}
			return f.swa(p, args)
		},
	}
	f.config.add(cmd)
	cmd.Flags().IntVar(&f.fold, "fold", 0, "the fold that the weights held out")
	cmd.Flags().IntVar(&f.threads, "threads", 0, "how many threads compute (default: one for each core)")
	cmd.Flags().StringVarP(&f.output, "output", "o", ".", "the `FOLDER` of the model")
	return cmd
}

func (f *trainFlags) swa(p *project, paths []string) error {
	set, err := p.set()
	if err != nil {
		return err
	}
	folds, err := p.folds(set.IDs)
	if err != nil {
		return err
	}
	f.weights = paths[0] // its keys determine the layout of the network
	s, err := f.prepare(p, set, folds, f.fold)
	if err != nil {
		return err
	}
	var dicts []*weights.StateDict
	epoch := 0
	for _, path := range paths {
		dict, last, err := s.read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		dicts, epoch = append(dicts, dict), max(epoch, last)
	}
	mean, err := swa.Mean(dicts)
	if err != nil {
		return err
	}
	dict, r, err := s.Statistics(p.cmd.Context(), mean)
	s.closeBar()
	if err != nil {
		return err
	}
	r.Epoch = epoch
	if err := os.MkdirAll(f.output, 0o755); err != nil {
		return err
	}
	out, err := s.Info.Write(f.output, dict, r)
	if err != nil {
		return err
	}
	cli.Printf(p.cmd, "%s: the mean of %d weights, %s%s", out, len(dicts), p.score(r.Score), p.at(r.Threshold))
	return nil
}

// read reads weights of the session's network, and their epoch.
func (s *session) read(path string) (*weights.StateDict, int, error) {
	file, err := openWeights(s.project, path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	if err := arch.Check(s.Network, file.Infos()); err != nil {
		return nil, 0, err
	}
	epoch, err := strconv.Atoi(file.Metadata()["epoch"])
	if err != nil {
		epoch = 0 // made by other software
	}
	dict, err := file.StateDict()
	return dict, epoch, err
}
