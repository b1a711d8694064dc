package command

import (
	"context"
	"io"
	"os"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/spf13/cobra"
)

func newRekey() *cobra.Command {
	var source, target keyfile.Source
	cmd := &cobra.Command{
		Use:   "rekey --new-key FILE FILE.enc...",
		Short: "Encrypt files again under another key",
		Long: `rekey replaces each file by the same plaintext encrypted under another key. The
plaintext stays in memory, one segment at a time. rekey replaces a file only after
reading and authenticating all of it, and skips files that are already under the
new key. So an interrupted rekey can be run again.

Whoever has the old key and an old copy of a file can still read that copy.`,
		Example: `  crypt keygen -o new.key
  crypt rekey --key my.key --new-key new.key *.enc`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			jobs, err := stat(args)
			if err != nil {
				return err
			}
			old, err := source.Load(cmd.Context())
			if err != nil {
				return err
			}
			key, err := target.Load(cmd.Context())
			if err != nil {
				return err
			}
			if key.Equal(old) {
				return cli.Usagef("--key and --new-key hold the same key")
			}
			return each(cmd, "rekeying", jobs, func(ctx context.Context, j job, p *cli.Progress) (string, error) {
				return j.in, rekeyFile(ctx, j, old, key, p)
			})
		},
	}
	source.AddFlag(cmd.Flags())
	cmd.Flags().StringVar(&target.Path, "new-key", "", "`FILE` with the new key")
	_ = cmd.MarkFlagRequired("new-key")
	return cmd
}

func rekeyFile(ctx context.Context, j job, old, key crypt.Key, p *cli.Progress) error {
	in, err := open(j, old, "")
	if err != nil {
		if isUnder(j, key) {
			p.Add(j.size)
			return nil
		}
		return err
	}
	defer in.Close()
	return encryptTo(j.in, key, func(w io.Writer) error {
		return in.copyTo(ctx, p.Writer(w))
	})
}

// isUnder reports whether a file is already encrypted under key.
func isUnder(j job, key crypt.Key) bool {
	f, err := os.Open(j.in)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = crypt.NewReaderAt(f, j.size, key, crypt.Name(j.in))
	return err == nil
}
