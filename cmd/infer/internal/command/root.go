// Package command holds the verbs of infer, one in each file. A verb reads its flags,
// calls a library and prints the result.
//
//	cli.Main(command.New())
package command

import (
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/spf13/cobra"
)

// New returns the command tree. The root predicts an ensemble.
func New() *cobra.Command {
	root := predictCommand()
	root.AddCommand(bench(), exportONNX(), importModel(), importWeights(), summarize())
	completeNetworks(root)
	return root
}

// completeNetworks makes shells complete the arguments of verbs that take architectures.
func completeNetworks(root *cobra.Command) {
	for _, c := range root.Commands() {
		if strings.Contains(c.Use, "ARCHITECTURE") {
			c.ValidArgsFunction = cobra.FixedCompletions(modelspec.Values("model.arch"), cobra.ShellCompDirectiveDefault)
		}
	}
}
