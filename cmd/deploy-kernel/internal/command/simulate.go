package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/deploy/simulate"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/spf13/cobra"
)

// simulation returns the verb that runs a deployed folder as Kaggle would.
func simulation() *cobra.Command {
	var o simulate.Options
	var key keyfile.Source
	var memory float64
	cmd := &cobra.Command{
		Use:   "simulate FOLDER --data FOLDER",
		Short: "Run a deployed folder as Kaggle would",
		Long: `simulate runs a folder of infer as Kaggle would. It mounts the datasets and the
competition's data read-only, in Kaggle's layout. python3 starts kernel.py in an
empty folder, without network, under limits of cores, memory and time.

simulate prints the time, the peak memory, the files written and what would fail
on Kaggle; a failure sets the exit status to 1. It checks the submission as a
strict grader would: header, ids, their order and number, and every answer.
It refuses data whose sample submission has another form than the kernel writes.`,
		Example: `  deploy-kernel simulate deploy/ --data data/
  deploy-kernel simulate deploy/ --data data/ --time-limit 10m --memory 16 --output out/
  deploy-kernel simulate deploy/ --data data/ --final`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Limit < 0 || memory < 0 || o.Cores < 0 {
				return cli.Usagef("--time-limit, --memory and --cores can't be negative")
			}
			o.Folder, o.Memory = args[0], int64(memory*1e9)
			if key.Given() {
				k, err := key.Load(cmd.Context())
				if err != nil {
					return err
				}
				o.Key = k.Text()
			}
			if !cli.Quiet(cmd) {
				o.Stderr = cmd.ErrOrStderr()
			}
			r, err := simulate.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printSimulation(cmd, r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Data, "data", "", "`FOLDER` of the competition's data: images and sample submission")
	f.StringVarP(&o.Output, "output", "o", "", "`FOLDER` to copy the kernel's output to (default: none)")
	f.DurationVar(&o.Limit, "time-limit", 0, "time limit of the run, a `TIME` such as 10m (default: the folder's, else 9h)")
	f.Float64Var(&memory, "memory", simulate.DefaultMemory/1e9, "memory limit in `GB`")
	f.IntVar(&o.Cores, "cores", simulate.DefaultCores, "largest number of cores")
	f.BoolVar(&o.Final, "final", false, "simulate the hidden run of a submission, which leaves out damaged files")
	key.AddFlag(f)
	if err := cmd.MarkFlagRequired("data"); err != nil {
		panic(fmt.Sprintf("command: internal error: %v", err))
	}
	return cmd
}

// rowsHave returns "1 row has" or "3 rows have".
func rowsHave(n int) string {
	if n == 1 {
		return "1 row has"
	}
	return fmt.Sprintf("%d rows have", n)
}

// printSimulation prints the report as a table.
func printSimulation(cmd *cobra.Command, r *simulate.Report) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "status   %d\n", r.Status)
	fmt.Fprintf(out, "time     %s of %s\n", r.Took.Round(100*time.Millisecond), r.Limit)
	fmt.Fprintf(out, "memory   %s of %s\n", say.Size(r.Peak), say.Size(r.Memory))
	fmt.Fprintf(out, "cores    %d\n", r.Cores)
	for _, f := range r.Files {
		fmt.Fprintf(out, "wrote    %s, %s\n", f.Name, say.Size(f.Size))
	}
	switch {
	case r.Rows > 0 && (r.Answer == input.Labels || r.Answer == input.Label):
		fmt.Fprintf(out, "labels   %d rows, %d with labels\n", r.Rows, r.Given)
	case r.Rows > 0:
		fmt.Fprintf(out, "answers  %d rows\n", r.Rows)
	}
	if blank := r.Rows - r.Given; blank > 0 {
		fmt.Fprintf(out, "blank    %s no label: a grader may refuse empty fields\n", rowsHave(blank))
	}
	if len(r.Lacks) > 0 {
		fmt.Fprintf(out, "without  %s: this system does not allow it\n", strings.Join(r.Lacks, "; "))
	}
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, errors.New("on Kaggle this would fail: "+p))
	}
	if len(errs) == 0 {
		fmt.Fprintln(out, "nothing here would fail on Kaggle")
	}
	return errors.Join(errs...)
}
