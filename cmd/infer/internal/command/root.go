// Package command holds what the command infer does, one verb a file: each reads
// its flags and leaves the work to other packages.
//
//	cli.Main(command.New())
package command

import "github.com/spf13/cobra"

// New returns the command tree. The root predicts; the other verbs are its
// subcommands.
func New() *cobra.Command {
	root := predict()
	root.AddCommand(bench(), exportONNX(), importWeights(), summarize())
	return root
}
