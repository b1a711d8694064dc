package verb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/cobra"
)

func newInspect() *cobra.Command {
	var (
		source  keyfile.Source
		name    string
		tensors bool
	)
	cmd := &cobra.Command{
		Use:   "inspect FILE.enc...",
		Short: "Show what encrypted files are and hold",
		Long: `inspect shows the format, the sizes and the number of segments of encrypted
files. With the key it shows what the weights in them tell of themselves, for
which it reads but a few segments: it is verify that checks them all.`,
		Example: `  crypt inspect model.safetensors.enc
  crypt inspect --key my.key --tensors model.safetensors.enc`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name != "" && len(args) != 1 {
				return cli.Usagef("--name names one file, but there are %d inputs", len(args))
			}
			var key crypt.Key
			if source.Given() {
				var err error
				if key, err = source.Load(cmd.Context()); err != nil {
					return err
				}
			}
			jobs, err := stat(args)
			errs := []error{err}
			for _, j := range jobs {
				report, err := inspect(j, key, name, tensors)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				if _, err := io.WriteString(cmd.OutOrStdout(), report); err != nil {
					return err
				}
			}
			return errors.Join(errs...)
		},
	}
	source.AddFlag(cmd.Flags())
	cmd.Flags().StringVar(&name, "name", "", "the `NAME` that a renamed file was encrypted as, without .enc")
	cmd.Flags().BoolVar(&tensors, "tensors", false, "list every tensor")
	return cmd
}

// inspect returns what is to be said of a file.
func inspect(j job, key crypt.Key, name string, tensors bool) (string, error) {
	f, err := os.Open(j.in)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", j.in, cause(err))
	}
	defer f.Close()
	info, err := crypt.Inspect(f, j.size)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", j.in, cause(err))
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, j.in)
	fmt.Fprintln(w, "  format:\tTink AES256-GCM-HKDF streaming, 1 MiB segments")
	fmt.Fprintf(w, "  size:\t%d bytes (%s) in %s\n", info.Size, cli.Size(info.Size), count(info.Segments, "segment"))
	fmt.Fprintf(w, "  plaintext:\t%d bytes (%s)\n", info.Plain, cli.Size(info.Plain))
	if key.IsZero() {
		fmt.Fprintln(w, "  content:\tshown with the key (--key FILE)")
	} else {
		r, err := open(j, key, name)
		if err != nil {
			return "", err
		}
		defer r.Close()
		fmt.Fprintf(w, "  key:\t%s\n", key.ID())
		fmt.Fprintf(w, "  name:\t%s\n", r.name)
		describe(w, r, tensors)
	}
	_ = w.Flush()
	return b.String(), nil
}

// describe tells what weights a plaintext holds.
func describe(w io.Writer, r *encrypted, tensors bool) {
	f, err := weights.Open(r, r.Size())
	if err != nil {
		fmt.Fprintln(w, "  content:\tnot safetensors")
		return
	}
	infos := f.Infos()
	var values int64
	var types []string
	for _, t := range infos {
		n, err := weights.Elements(t.Shape)
		if err != nil {
			continue
		}
		values += int64(n)
		if s := t.DType.String(); !slices.Contains(types, s) {
			types = append(types, s)
		}
	}
	slices.Sort(types)
	fmt.Fprintf(w, "  content:\tsafetensors, %s, %s of %s\n",
		count(int64(len(infos)), "tensor"), count(values, "value"), strings.Join(types, ", "))
	metadata := f.Metadata()
	keys := make([]string, 0, len(metadata))
	for k := range metadata {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(w, "  %s:\t%s\n", printable(k), strings.ReplaceAll(printable(metadata[k]), "\n", "\n  \t"))
	}
	if tensors {
		for _, t := range infos {
			fmt.Fprintf(w, "  %s\t%s %v\n", printable(t.Name), t.DType, t.Shape)
		}
	}
}

// count returns "1 segment", "2 segments".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printable returns s without the characters that move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (r < ' ' || r == 0x7f) {
			return '?'
		}
		return r
	}, strings.TrimRight(s, "\n"))
}
