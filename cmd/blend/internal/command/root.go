// Package command holds the verbs of the command blend, one per file. Each reads its
// flags and leaves the work to package blend.
//
//	cli.Main(command.New())
package command

import "github.com/spf13/cobra"

// New returns the command tree. The root fits an ensemble; the other verbs are its
// subcommands.
func New() *cobra.Command {
	root := fit()
	root.AddCommand(score(), outOfFold(), draw())
	return root
}
