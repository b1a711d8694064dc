package command

import (
	"fmt"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/deploy/kaggle"
	"github.com/deploy-kernel/deploy-kernel/deploy/submit"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/spf13/cobra"
)

// submitting returns the verb that submits a pushed kernel.
func submitting() *cobra.Command {
	var o submit.Options
	cmd := &cobra.Command{
		Use:   "submit [FOLDER]",
		Short: "Submit a pushed kernel and wait for its score",
		Long: `submit waits until the run of the pushed kernel has ended. It then submits the
kernel's submission.csv to the competition with Kaggle's official client, and
waits for the score. It prints the score and appends it to submissions.csv beside
the ensemble.

Kaggle continues with an interrupted submission; the same command then continues
to wait. submit never submits a version twice: the second time it prints the score.`,
		Example: `  deploy-kernel submit deploy/
  deploy-kernel submit deploy/ --competition imet-2019-fgvc6 --version 3 --message "more folds"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Folder = folderOf(args)
			if o.Tries < 1 || o.Pause < 0 || o.Wait < 0 || o.Version < 0 {
				return cli.Usagef("--tries must be at least 1, --version, --pause and --wait not negative")
			}
			client, err := kaggle.Find(cmd.Context())
			if err != nil {
				return err
			}
			if !cli.Quiet(cmd) {
				o.Say = func(format string, args ...any) { cli.Printf(cmd, format, args...) }
			}
			r, err := submit.Submit(cmd.Context(), client, o)
			if err != nil {
				return err
			}
			return printScore(cmd, r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Competition, "competition", "", "the competition's `NAME` or address (default: the kernel's)")
	f.IntVar(&o.Version, "version", 0, "`NUMBER` of the kernel's version (default: the last one pushed)")
	f.StringVarP(&o.File, "file", "f", "submission.csv", "the `FILE` that the kernel writes")
	f.StringVarP(&o.Message, "message", "m", "", "`TEXT` of the submission (default: ensemble and version)")
	f.StringVar(&o.Log, "log", "", "the CSV `FILE` to append the score to (default: submissions.csv beside the ensemble)")
	f.IntVar(&o.Tries, "tries", 5, "how often to try a command")
	f.DurationVar(&o.Pause, "pause", 30*time.Second, "`TIME` between two looks at a status")
	f.DurationVar(&o.Wait, "wait", 12*time.Hour, "`TIME` that the run and the scoring may take")
	return cmd
}

// printScore prints the score. It returns an error if Kaggle could not score the
// submission.
func printScore(cmd *cobra.Command, r *submit.Result) error {
	cli.Printf(cmd, "%s: version %d of %s, logged in %s", r.Competition, r.Version, r.Kernel, r.Log)
	if r.Status != "complete" {
		return hint.New(fmt.Errorf("the submission has no score: its status is %q", r.Status),
			"see the cause at https://www.kaggle.com/competitions/%s/submissions", r.Competition)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "public   %s\n", orNone(r.Public))
	if r.Private != "" {
		fmt.Fprintf(out, "private  %s\n", r.Private)
	}
	return nil
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
