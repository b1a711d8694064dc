package command

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
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
		Use:   "inspect FILE...",
		Short: "Show what files of weights are and hold, encrypted or not",
		Long: `inspect shows the format, the sizes and the number of segments of encrypted
files. With the key it also shows the metadata of the weights in them. It reads
only a few segments; verify checks all. Plain files of weights are shown in the
same way.`,
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
	cmd.Flags().StringVar(&name, "name", "", "`NAME` under which a renamed file was encrypted, without .enc")
	cmd.Flags().BoolVar(&tensors, "tensors", false, "list every tensor")
	return cmd
}

// inspect returns the description of a file.
func inspect(j job, key crypt.Key, name string, tensors bool) (string, error) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, j.in)
	var err error
	if !strings.HasSuffix(j.in, crypt.Ext) && weightfile.IsWeights(j.in) {
		err = inspectPlain(w, j, tensors)
	} else {
		err = inspectEncrypted(w, j, key, name, tensors)
	}
	_ = w.Flush()
	return b.String(), err
}

func inspectPlain(w io.Writer, j job, tensors bool) error {
	f, err := weightfile.Open(j.in)
	if err != nil {
		return fmt.Errorf("reading %w", err)
	}
	defer f.Close()
	fmt.Fprintf(w, "  format:\t%s, not encrypted\n", f.Format())
	fmt.Fprintf(w, "  size:\t%d bytes (%s)\n", j.size, say.Size(j.size))
	if note := f.Note(); note != "" {
		fmt.Fprintf(w, "  choice:\t%s\n", printable(note))
	}
	describe(w, f, tensors)
	return nil
}

func inspectEncrypted(w io.Writer, j job, key crypt.Key, name string, tensors bool) error {
	f, err := os.Open(j.in)
	if err != nil {
		return fmt.Errorf("reading %s: %w", j.in, atomicfile.Cause(err))
	}
	defer f.Close()
	info, err := crypt.Inspect(f, j.size)
	if err != nil {
		return fmt.Errorf("reading %s: %w", j.in, atomicfile.Cause(err))
	}
	fmt.Fprintln(w, "  format:\tTink AES256-GCM-HKDF streaming, 1 MiB segments")
	fmt.Fprintf(w, "  size:\t%d bytes (%s) in %s\n", info.Size, say.Size(info.Size), say.Count(int(info.Segments), "segment"))
	fmt.Fprintf(w, "  plaintext:\t%d bytes (%s)\n", info.Plain, say.Size(info.Plain))
	if key.IsZero() {
		fmt.Fprintln(w, "  holds:\tshown with the key (--key FILE)")
		return nil
	}
	r, err := open(j, key, name)
	if err != nil {
		return err
	}
	defer r.Close()
	fmt.Fprintf(w, "  key:\t%s\n", key.ID())
	fmt.Fprintf(w, "  name:\t%s\n", r.name)
	if plain, err := weights.Open(r, r.Size()); err == nil {
		describe(w, plain, tensors)
	} else {
		fmt.Fprintln(w, "  holds:\tno weights")
	}
	return nil
}

// described is a file of weights.
type described interface {
	Infos() []weights.Info
	Metadata() map[string]string
}

// describe prints the tensors and the metadata of a file of weights.
func describe(w io.Writer, f described, tensors bool) {
	infos := f.Infos()
	var values int
	var types []string
	for _, t := range infos {
		n, err := weights.Elements(t.Shape)
		if err != nil {
			continue
		}
		values += n
		if s := t.DType.String(); !slices.Contains(types, s) {
			types = append(types, s)
		}
	}
	slices.Sort(types)
	fmt.Fprintf(w, "  holds:\tweights: %s, %s of %s\n",
		say.Count(len(infos), "tensor"), say.Count(values, "value"), strings.Join(types, ", "))
	metadata := f.Metadata()
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		// A text of several lines, such as a config, begins on a new line.
		text := " " + printable(metadata[k])
		if strings.Contains(text, "\n") {
			text = strings.ReplaceAll("\n"+text[1:], "\n", "\n      ")
		}
		fmt.Fprintf(w, "    %s:%s\n", printable(k), text)
	}
	if !tensors {
		return
	}
	fmt.Fprintln(w, "  tensors:")
	for _, t := range infos {
		fmt.Fprintf(w, "    %s\t%s\t%v\n", printable(t.Name), t.DType, t.Shape)
	}
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
