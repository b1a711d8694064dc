package command

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/crypt/passphrase"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/spf13/cobra"
)

func newKeygen() *cobra.Command {
	var (
		output string
		wrap   bool
		force  bool
	)
	cmd := &cobra.Command{
		SuggestFor: []string{"genkey", "newkey", "key"},
		Use:        "keygen -o FILE",
		Short:      "Make a key",
		Long: `keygen writes a new random key to a file that only its owner can read.

With --passphrase the key is wrapped under a passphrase, for which keygen asks
twice. The file alone then opens nothing. A kernel can't ask for a passphrase, so
deploy-kernel unwraps the key when it builds one.`,
		Example: `  crypt keygen -o my.key
  crypt keygen -o wrapped.key --passphrase`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, force); err != nil {
				return err
			}
			key, err := crypt.NewKey()
			if err != nil {
				return err
			}
			text := key.Text()
			if wrap {
				secret, err := cli.NewPassphrase(cmd.Context())
				if err != nil {
					return err
				}
				if text, err = passphrase.Wrap(key, secret, passphrase.Params{}); err != nil {
					return err
				}
			}
			if err := writeKey(output, text); err != nil {
				return err
			}
			cli.Printf(cmd, "wrote key %s to %s; keep a copy, and keep it private", key.ID(), output)
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write")
	cmd.Flags().BoolVar(&wrap, "passphrase", false, "wrap the key under a passphrase")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file; files encrypted under its key become unreadable")
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

// writeKey writes a key's text to a file that only its owner can read.
func writeKey(path, text string) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, text); err != nil {
		return err
	}
	return f.CommitMode(0o600)
}
