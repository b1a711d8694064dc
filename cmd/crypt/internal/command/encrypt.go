package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/halfflag"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/cobra"
)

func newEncrypt() *cobra.Command {
	var (
		source keyfile.Source
		to     outputs
		raw    bool
		choice string
		half   shrink.Half
	)
	cmd := &cobra.Command{
		Use:   "encrypt FILE...",
		Short: "Encrypt files",
		Long: `encrypt writes an encrypted copy of each file beside it, with .enc added to its
name, and prints the new path. The name is authenticated, too: to read a renamed
file, give its old name.

encrypt checks files of weights, whatever their names, and converts those of
PyTorch to <model>.safetensors.enc. It encrypts other files as they are, and with
--raw all files.

With --dtype f16 or bf16 the weights take half the space; networks expand them
when they load. encrypt measures how much that changes the predictions, prints
it, and refuses a change above --max-change.`,
		Example: `  crypt encrypt --key my.key --force model.safetensors
  crypt encrypt --key my.key --out-dir dataset *.safetensors *.pth
  crypt encrypt --key my.key --force --dtype f16 *.safetensors`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			isWeights := make(map[string]bool, len(args))
			for _, in := range args {
				isWeights[in] = !raw && weightfile.IsWeights(in)
			}
			if err := checkHalf(half, args, raw, isWeights); err != nil {
				return err
			}
			if to.file != "" && !strings.HasSuffix(to.file, crypt.Ext) {
				return cli.Usagef("--output %s: the name of an encrypted file must end in %s", to.file, crypt.Ext)
			}
			jobs, err := to.plan(args, func(in string) (string, error) { return encryptedName(in, isWeights[in]) })
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
			return each(cmd, "encrypting", jobs, func(ctx context.Context, j job, p *cli.Progress) (string, error) {
				if !isWeights[j.in] {
					return j.out, encryptBytes(ctx, j, key, p)
				}
				return j.out, encryptWeights(ctx, j, key, choice, half, p)
			})
		},
	}
	source.AddFlag(cmd.Flags())
	to.addFlags(cmd)
	cmd.Flags().BoolVar(&raw, "raw", false, "encrypt files of weights as they are, without checks")
	cmd.Flags().StringVar(&choice, "weights-key", "", "`NAME` of the weights to take from files with several sets, e.g. model_ema (default: the average)")
	halfflag.Add(cmd.Flags(), &half)
	return cmd
}

// encryptedName returns the name of the encrypted form of a file.
func encryptedName(in string, isWeights bool) (string, error) {
	name := filepath.Base(in)
	if strings.HasSuffix(name, crypt.Ext) {
		return "", hint.New(fmt.Errorf("%s is already encrypted", in), "to encrypt it again, name the file to write by --output")
	}
	if isWeights {
		return weightfile.ModelName(name) + safetensors + crypt.Ext, nil
	}
	return name + crypt.Ext, nil
}

const safetensors = ".safetensors"

// encryptWeights checks a file of weights and encrypts it as safetensors.
func encryptWeights(ctx context.Context, j job, key crypt.Key, choice string, half shrink.Half, p *cli.Progress) error {
	w, err := weightfile.OpenKey(j.in, choice)
	if err != nil {
		return hint.New(fmt.Errorf("reading %w", err), "--raw encrypts any bytes")
	}
	defer w.Close()
	if note := w.Note(); note != "" {
		fmt.Fprintf(p, "crypt: %s: %s\n", j.in, note)
	}
	switch {
	case half.Given():
		defer p.Add(j.size)
		small, err := halve(ctx, half, w, p)
		if err != nil {
			return fmt.Errorf("%s: %w", j.in, err)
		}
		return encryptTo(j.out, key, func(out io.Writer) error { return weights.Write(streams.Writer(ctx, out), small) })
	case w.Plain(): // encrypts the file as it is, with progress
		return encryptBytes(ctx, j, key, p)
	}
	defer p.Add(j.size)
	return encryptTo(j.out, key, func(out io.Writer) error { return w.Convert(streams.Writer(ctx, out)) })
}

// encryptBytes encrypts a file as it is.
func encryptBytes(ctx context.Context, j job, key crypt.Key, p *cli.Progress) error {
	in, err := os.Open(j.in)
	if err != nil {
		return fmt.Errorf("reading %s: %w", j.in, atomicfile.Cause(err))
	}
	defer in.Close()
	return encryptTo(j.out, key, func(w io.Writer) error {
		return copyFrom(w, j.in, streams.Reader(ctx, p.Reader(in)))
	})
}

// encryptTo writes an encrypted file with the plaintext that fill writes.
func encryptTo(path string, key crypt.Key, fill func(io.Writer) error) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w, err := crypt.NewWriter(out, key, crypt.Name(path))
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Commit()
}

// copyFrom copies r, the file at path, to w. The errors of w already name its file.
func copyFrom(w io.Writer, path string, r io.Reader) error {
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, atomicfile.Cause(err))
		}
	}
}
