// Package command holds the verbs of the command crypt, one a file: each reads its
// flags, and does its work by package crypt.
//
//	cli.Main(verb.New())
//
// Verbs on many files work on as many at once as there are cores, go on after a
// file that fails, and leave no half-written file. They refuse to overwrite
// without being told so, before any work is done.
package command

import "github.com/spf13/cobra"

// New returns the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "crypt",
		Short: "Encrypt weights for public places, and read them again",
		Long: `crypt encrypts files of weights, so that they can lie in a public dataset and
be read only by a kernel that has the key. Encrypted files are Tink streaming
ciphertexts (AES-256-GCM, 1 MiB segments): changed, cut or renamed ones are
refused.

The key is a line of text in a file, named by --key, or in the environment as
DEPLOY_KERNEL_KEY. Who has it can read all files made with it. There is no other
way to read them: keep a copy.`,
		Example: `  crypt keygen -o my.key
  crypt encrypt --key my.key model.safetensors
  crypt verify --key my.key model.safetensors.enc
  crypt decrypt --key my.key --out-dir plain model.safetensors.enc`,
	}
	root.AddCommand(newKeygen(), newEncrypt(), newDecrypt(), newInspect(), newVerify(), newRekey())
	return root
}
