// Package command holds what the command infer does, one verb a file: each reads
// its flags and leaves the work to other packages.
//
//	cli.Main(command.New())
package command

import (
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/spf13/cobra"
)

// New returns the command tree. The root predicts; the other verbs are its
// subcommands.
func New() *cobra.Command {
	root := predictCommand()
	root.AddCommand(bench(), exportONNX(), importWeights(), summarize())
	completeNetworks(root)
	return root
}

// completeNetworks completes the arguments of verbs that take architectures.
func completeNetworks(root *cobra.Command) {
	for _, c := range root.Commands() {
		if strings.Contains(c.Use, "ARCHITECTURE") {
			c.ValidArgsFunction = cobra.FixedCompletions(modelspec.Values("model.arch"), cobra.ShellCompDirectiveDefault)
		}
	}
}
