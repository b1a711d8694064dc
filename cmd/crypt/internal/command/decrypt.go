package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/spf13/cobra"
)

func newDecrypt() *cobra.Command {
	var (
		source keyfile.Source
		to     outputs
		name   string
	)
	cmd := &cobra.Command{
		Use:   "decrypt FILE.enc...",
		Short: "Decrypt files",
		Long: `decrypt writes the plaintext of each file beside it, without .enc in its name. Only
the owner can read the result. Of a file that was changed in any way, nothing is
written.

The name is authenticated, too. If a file was renamed, give its old name by
--name.`,
		Example: `  crypt decrypt --key my.key --force model.safetensors.enc
  crypt decrypt --key my.key --out-dir plain *.enc
  crypt decrypt --key my.key --name model.safetensors -o plain.safetensors renamed.enc`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name != "" && len(args) != 1 {
				return cli.Usagef("--name names one file, but there are %d inputs", len(args))
			}
			jobs, err := to.plan(args, plainName)
			if err != nil {
				return err
			}
			key, err := source.Load(cmd.Context())
			if err != nil {
				return err
			}
			if err := to.makeDir(); err != nil {
				return err
			}
			return each(cmd, "decrypting", jobs, func(ctx context.Context, j job, p *cli.Progress) (string, error) {
				return j.out, decryptFile(ctx, j, key, name, p)
			})
		},
	}
	source.AddFlag(cmd.Flags())
	to.addFlags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "`NAME` under which a renamed file was encrypted, without .enc")
	return cmd
}

// plainName returns the name of the plaintext of an encrypted file.
func plainName(in string) (string, error) {
	name := crypt.Name(in)
	if !strings.HasSuffix(in, crypt.Ext) || name == "" {
		return "", hint.New(fmt.Errorf("%s: the name does not end in %s", in, crypt.Ext),
			"name the file to write by --output, and its old name by --name")
	}
	return name, nil
}

func decryptFile(ctx context.Context, j job, key crypt.Key, name string, p *cli.Progress) error {
	r, err := open(j, key, name)
	if err != nil {
		return err
	}
	defer r.Close()
	out, err := atomicfile.Create(j.out)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := r.copyTo(ctx, p.Writer(out)); err != nil {
		return err
	}
	return out.CommitMode(0o600)
}
