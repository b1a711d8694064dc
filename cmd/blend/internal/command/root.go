// Package command holds what the command blend does, one verb a file: each reads
// its flags and leaves the work to other packages.
//
//	cli.Main(command.New())
package command

import "github.com/spf13/cobra"

// New returns the command tree. The root searches; the other verbs are its
// subcommands.
func New() *cobra.Command {
	root := fit()
	root.AddCommand(score(), outOfFold(), draw())
	return root
}
