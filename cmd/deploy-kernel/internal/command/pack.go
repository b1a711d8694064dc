package command

import (
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/templates"
	"github.com/spf13/cobra"
)

// packing is the verb that divides weights among datasets.
func packing() *cobra.Command {
	var o deploy.PackOptions
	var key keyfile.Source
	var plain bool
	var visibility string
	var datasetGB, privateGB float64
	cmd := &cobra.Command{
		Use:   "pack WEIGHTS...",
		Short: "Divide weights among datasets to upload",
		Long: `pack makes a folder for each dataset that the weights need, within Kaggle's
quotas, with the metadata that its client wants, and a manifest of sizes and
SHA-256 hashes. Plain weights are encrypted under the key; encrypted ones are
taken as they are. Packed again with more models, every file stays in the
dataset where it was.

"infer" does this for an ensemble by itself; pack is for weights that are
uploaded before there is one.`,
		Example: `  deploy-kernel pack models/*.safetensors --key my.key --user you --title "imet weights" -o packed/
  deploy-kernel pack sealed/*.enc --user you --title "imet weights" --private-space 20 --visibility overflow -o packed/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			o.Quota.Dataset, o.Quota.Private = int64(datasetGB*1e9), int64(privateGB*1e9)
			if o.Quota.Files < 0 || o.Quota.Dataset < 0 || o.Quota.Private < 0 {
				return cli.Usagef("--files, --dataset-size and --private-space can't be negative")
			}
			switch visibility {
			case "public":
				o.Visibility = templates.Public
			case "overflow":
				o.Quota.Overflow = true
			}
			return runPack(cmd, o, &key, plain)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Output, "output", "o", "packed", "the `FOLDER` to make")
	f.StringVar(&o.Owner, "user", os.Getenv("KAGGLE_USERNAME"), "your `NAME` on Kaggle (default: the environment's KAGGLE_USERNAME)")
	f.StringVar(&o.Title, "title", "weights", "what the datasets' `TITLES` begin with")
	f.StringVar(&o.Licence, "licence", "other", "licence of the datasets, by Kaggle's `NAME`")
	key.AddFlag(f)
	f.BoolVar(&plain, "plain", false, "leave plain weights plain")
	visibility = "private"
	cli.ChoiceVar(f, &visibility, "visibility", []string{"private", "public", "overflow"}, "who sees the datasets (overflow: private while --private-space lasts, then public)")
	f.IntVar(&o.Quota.Files, "files", templates.MaxDatasetFiles, "how many files a dataset has at most")
	f.Float64Var(&datasetGB, "dataset-size", templates.MaxDataset/1e9, "how many `GB` a dataset has at most")
	f.Float64Var(&privateGB, "private-space", 0, "how many `GB` all private datasets may have together; 0 for any")
	cmd.MarkFlagsMutuallyExclusive("plain", "key")
	return cmd
}

func runPack(cmd *cobra.Command, o deploy.PackOptions, key *keyfile.Source, plain bool) error {
	encrypted := true
	for _, path := range o.Files {
		encrypted = encrypted && filepath.Ext(path) == ".enc"
	}
	if !plain && !encrypted {
		var err error
		if o.Key, err = key.Load(cmd.Context()); err != nil {
			return err
		}
	}
	if !cli.Quiet(cmd) {
		o.Step = func(text string) { cli.Printf(cmd, "%s", text) }
	}
	m, err := deploy.Pack(cmd.Context(), o)
	if err != nil {
		return err
	}
	reportDatasets(cmd, m, o.Output)
	printUpload(cmd, m, o.Output)
	return nil
}
