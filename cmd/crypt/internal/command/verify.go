package command

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/spf13/cobra"
)

func newVerify() *cobra.Command {
	var (
		source keyfile.Source
		name   string
		sum    bool
	)
	cmd := &cobra.Command{
		Use:   "verify FILE.enc...",
		Short: "Check every byte of encrypted files",
		Long: `verify decrypts each file in memory, which checks every byte, and prints the names
of intact files. With --sha256 it prints the SHA-256 of the plaintext, as
sha256sum does.`,
		Example: `  crypt verify --key my.key *.enc
  crypt verify --key my.key --sha256 model.safetensors.enc`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name != "" && len(args) != 1 {
				return cli.Usagef("--name names one file, but there are %d inputs", len(args))
			}
			key, err := source.Load(cmd.Context())
			if err != nil {
				return err
			}
			jobs, err := stat(args)
			return errors.Join(err, each(cmd, "verifying", jobs, func(ctx context.Context, j job, p *cli.Progress) (string, error) {
				return verifyFile(ctx, j, key, name, sum, p)
			}))
		},
	}
	source.AddFlag(cmd.Flags())
	cmd.Flags().StringVar(&name, "name", "", "`NAME` under which a renamed file was encrypted, without .enc")
	cmd.Flags().BoolVar(&sum, "sha256", false, "print the SHA-256 of each plaintext")
	return cmd
}

// verifyFile checks a file and returns the line to print about it.
func verifyFile(ctx context.Context, j job, key crypt.Key, name string, sum bool, p *cli.Progress) (string, error) {
	r, err := open(j, key, name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	if !sum {
		return j.in + ": ok", r.copyTo(ctx, p.Writer(io.Discard))
	}
	hash := sha256.New()
	if err := r.copyTo(ctx, p.Writer(hash)); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x  %s", hash.Sum(nil), r.name), nil
}
