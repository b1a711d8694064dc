package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/kaggle"
	"github.com/deploy-kernel/deploy-kernel/deploy/push"
	"github.com/spf13/cobra"
)

// pushing is the verb that uploads a folder.
func pushing() *cobra.Command {
	var o push.Options
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "push [FOLDER]",
		Short: "Upload a deployed folder with Kaggle's client",
		Long: `push uploads what "infer" or "pack" made, with Kaggle's official client, the
program kaggle: each dataset, in its first or a new version, and, when all are
ready, the kernel. What did not change is not uploaded again; a push that failed
or was interrupted goes on where it stopped.`,
		Example: `  deploy-kernel push deploy/ --dry-run
  deploy-kernel push deploy/ --message "more folds"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Folder = folderOf(args)
			if o.Tries < 1 || o.Pause < 0 || o.Wait < 0 {
				return cli.Usagef("--tries must be at least 1, --pause and --wait not negative")
			}
			if dryRun {
				m, err := folder.Read(o.Folder)
				if err != nil {
					return err
				}
				printUpload(cmd, m, o.Folder)
				return nil
			}
			client, err := kaggle.Find(cmd.Context())
			if err != nil {
				return err
			}
			if !cli.Quiet(cmd) {
				o.Say = func(format string, args ...any) { cli.Printf(cmd, format, args...) }
			}
			if err := push.Push(cmd.Context(), client, o); err != nil {
				return err
			}
			cli.Printf(cmd, "%s: all is uploaded", o.Folder)
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&dryRun, "dry-run", false, "print the commands of a first upload, and end")
	f.StringVarP(&o.Message, "message", "m", "", "`TEXT` of new versions of datasets (default: the ensemble's name)")
	f.IntVar(&o.Tries, "tries", 5, "how often a command is tried")
	f.DurationVar(&o.Pause, "pause", 0, "`TIME` before the second try and between looks at a dataset (default 10s)")
	f.DurationVar(&o.Wait, "wait", 0, "`TIME` that a dataset may take to be ready (default 1h)")
	return cmd
}

func folderOf(args []string) string {
	if len(args) == 0 {
		return "deploy"
	}
	return args[0]
}

// status is the verb that asks how a folder is on Kaggle.
func status() *cobra.Command {
	return &cobra.Command{
		Use:   "status [FOLDER]",
		Short: "Ask how a deployed folder is on Kaggle",
		Long: `status asks Kaggle, by its official client, for the status of the datasets and of
the kernel's last run. It tells what in the folder was not uploaded yet.`,
		Example: `  deploy-kernel status deploy/`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := kaggle.Find(cmd.Context())
			if err != nil {
				return err
			}
			all, err := push.Statuses(cmd.Context(), client, folderOf(args))
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range all {
				text := s.Status
				if s.Message != "" {
					text += ": " + s.Message
				}
				if s.Changed {
					text += ", not uploaded as it is here"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", s.What, s.ID, text)
			}
			return w.Flush()
		},
	}
}
