// Package command holds the verbs of deploy-kernel, one a file: each reads its
// flags and leaves the work to the packages beside it.
//
//	cli.Main(command.New())
package command

import "github.com/spf13/cobra"

// New returns the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "deploy-kernel",
		Short: "Make one Go file of an ensemble of image models",
		Long: `deploy-kernel makes one Go file of an ensemble of image models: it predicts
offline, from encrypted weights, with nothing but that file or the static
program built from it.`,
	}
	root.AddCommand(infer(), packing(), simulation(), pushing(), submitting(), status(), bundle())
	return root
}
