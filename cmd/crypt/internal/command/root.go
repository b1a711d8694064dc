// Package command holds the verbs of the command crypt, one per file. Each reads its
// flags and leaves the work to package crypt.
//
//	cli.Main(command.New())
//
// Verbs work on one file per core at a time. They go on after a file that fails, and
// leave no incomplete file. They refuse to overwrite files without --force, before
// any work.
package command

import "github.com/spf13/cobra"

// New returns the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "crypt",
		Short: "Encrypt and decrypt weights for public datasets",
		Long: `crypt encrypts files of weights. They can then lie in a public dataset, and only a
kernel with the key can read them. Encrypted files are Tink streaming ciphertexts
(AES-256-GCM, 1 MiB segments); changed, cut or renamed ones are refused.

The key is a line of text in a file, named by --key, or in the environment
variable DEPLOY_KERNEL_KEY. Whoever has it can read all files made with it. There
is no other way to read them: keep a copy.`,
		Example: `  crypt keygen -o my.key
  crypt encrypt --key my.key model.safetensors
  crypt verify --key my.key model.safetensors.enc
  crypt decrypt --key my.key --out-dir plain model.safetensors.enc`,
	}
	root.AddCommand(newKeygen(), newEncrypt(), newDecrypt(), newInspect(), newVerify(), newRekey())
	return root
}
