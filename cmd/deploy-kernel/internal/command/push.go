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

// pushing returns the verb that uploads a folder.
func pushing() *cobra.Command {
	var o push.Options
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "push [FOLDER]",
		Short: "Upload a deployed folder with Kaggle's client",
		Long: `push uploads a folder of infer or pack with Kaggle's official client, the program
kaggle. It uploads a first or new version of each dataset, and then, when all are
ready, the kernel. It skips what did not change. After a failure or an interrupt,
push again: it continues where it stopped.`,
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
			cli.Printf(cmd, "%s: everything is uploaded", o.Folder)
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&dryRun, "dry-run", false, "only print the commands of a first upload")
	f.StringVarP(&o.Message, "message", "m", "", "`TEXT` of new versions of datasets (default: the ensemble's name)")
	f.IntVar(&o.Tries, "tries", 5, "how often to try a command")
	f.DurationVar(&o.Pause, "pause", 0, "`TIME` before the second try and between looks at a dataset (default 10s)")
	f.DurationVar(&o.Wait, "wait", 0, "`TIME` that a dataset may take to be ready (default 1h)")
	return cmd
}

// folderOf returns the folder that a verb works on.
func folderOf(args []string) string {
	if len(args) == 0 {
		return "deploy"
	}
	return args[0]
}

// status returns the verb that shows the status of a folder on Kaggle.
func status() *cobra.Command {
	return &cobra.Command{
		Use:   "status [FOLDER]",
		Short: "Show the status of a deployed folder on Kaggle",
		Long: `status asks Kaggle, with its official client, for the status of the datasets and of
the kernel's last run. It shows what changed in the folder since the last upload.`,
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
					text += ", changed here since the last upload"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", s.What, s.ID, text)
			}
			return w.Flush()
		},
	}
}
