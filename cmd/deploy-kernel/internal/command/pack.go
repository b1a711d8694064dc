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

// packing returns the verb that divides weights among datasets.
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
quotas. Each has the metadata of Kaggle's client, and a manifest lists sizes and
SHA-256 hashes. pack encrypts plain weights under the key and copies encrypted
ones. If you pack again with more models, each file stays in its dataset.

infer packs the weights of its ensemble itself. Use pack to upload weights before
there is an ensemble.`,
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
	f.StringVar(&o.Owner, "user", os.Getenv("KAGGLE_USERNAME"), "your `NAME` on Kaggle (default: $KAGGLE_USERNAME)")
	f.StringVar(&o.Title, "title", "weights", "beginning of the datasets' `TITLES`")
	f.StringVar(&o.Licence, "licence", "other", "license of the datasets, by Kaggle's `NAME`")
	key.AddFlag(f)
	f.BoolVar(&plain, "plain", false, "do not encrypt plain weights")
	visibility = "private"
	cli.ChoiceVar(f, &visibility, "visibility", []string{"private", "public", "overflow"}, "who sees the datasets; overflow makes those public that exceed --private-space")
	f.IntVar(&o.Quota.Files, "files", templates.MaxDatasetFiles, "largest number of files in a dataset")
	f.Float64Var(&datasetGB, "dataset-size", templates.MaxDataset/1e9, "largest size of a dataset in `GB`")
	f.Float64Var(&privateGB, "private-space", 0, "largest size of all private datasets together in `GB`; 0 means no limit")
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
