// Package command holds the verbs of deploy-kernel, one in each file. A verb reads its
// flags, calls a library and prints the result.
//
//	cli.Main(command.New())
package command

import "github.com/spf13/cobra"

// New returns the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "deploy-kernel",
		Short: "Turn an ensemble of image models into one Go file",
		Long: `deploy-kernel turns an ensemble of image models into one Go file. That file, or the
static program built from it, predicts offline from encrypted weights.`,
	}
	root.AddCommand(infer(), packing(), simulation(), pushing(), submitting(), status(), bundle())
	return root
}
