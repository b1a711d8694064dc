package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/cobra"
)

// modelFlags are the flags of the verb import.
type modelFlags struct {
	importer.Options
	run, reference, output string
	verbose                bool
	threads, batch         int
}

// importModel returns the verb that makes weights of an ONNX model.
func importModel() *cobra.Command {
	var f modelFlags
	cmd := &cobra.Command{
		Use:   "import MODEL.onnx",
		Short: "Make weights of an ONNX model, and show what was recognized",
		Long: `import reads a network from an ONNX file, as PyTorch, timm, Keras and Paddle
export it (docs/onnx.md). It shows the operations that it recognized, and measures
the speed. Then it writes MODEL.safetensors: the weights, with the network in the
metadata. The other commands take that file like weights of a known architecture;
only training does not.

With --reference it compares the outputs with those of another runtime. The file
is what numpy.savez(FILE, input=x, output=y) writes.

With --run it computes the outputs of one array instead, in float32 and with the
axes of the model's input. It writes no weights then.

A model that accepts images of any size needs --input-size. A last sigmoid or softmax is
left out of the network: model.task of the config says it.`,
		Example: `  infer import model.onnx
  infer import model.onnx --input-size 288 -o models/net_f0_e0_0.safetensors
  infer import model.onnx --reference reference.npz --verbose
  infer import model.onnx --run in.npy --output out.npy`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.importFile(cmd, args[0]) },
	}
	fs := cmd.Flags()
	fs.IntVar(&f.InputSize, "input-size", 0, "height and width of the input in `PIXELS`, if the model leaves them open")
	fs.IntVar(&f.InputWidth, "input-width", 0, "width of the input in `PIXELS` (default: that of --input-size)")
	fs.StringVar(&f.Output, "logits", "", "`NAME` of the output to import, if the model has several")
	fs.StringVarP(&f.output, "output", "o", "", "the `FILE` to write (default: MODEL.safetensors; required with --run)")
	fs.StringVar(&f.run, "run", "", "compute the outputs of the array in this .npy `FILE`")
	fs.StringVar(&f.reference, "reference", "", "compare with the inputs and outputs in this .npz `FILE`")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "print what each part of the model became")
	fs.IntVar(&f.threads, "threads", 0, "number of threads (default: one for each core)")
	fs.IntVar(&f.batch, "batch", 16, "number of `IMAGES` in the larger batch to measure; 0 measures nothing")
	return cmd
}

func (f *modelFlags) importFile(cmd *cobra.Command, path string) error {
	switch {
	case f.run != "" && f.output == "":
		return cli.Usagef("--output is needed with --run: the .npy file to write")
	case f.run != "" && f.reference != "":
		return cli.Usagef("--run and --reference exclude each other")
	case f.InputSize < 0 || f.InputWidth < 0 || f.InputWidth > 0 && f.InputSize == 0:
		return cli.Usagef("--input-size and --input-width must be positive; --input-width needs --input-size")
	case f.threads < 0 || f.batch < 0 || f.batch > maxBatch:
		return cli.Usagef("--batch must be from 0 to %d, --threads can't be negative", maxBatch)
	}
	if f.run != "" {
		return f.runFile(cmd, path)
	}
	n, m, err := f.read(cmd.Context(), path)
	if err != nil {
		return err
	}
	r := report{path: path, network: n, model: m}
	if err := r.write(cmd.OutOrStdout(), f.verbose); err != nil {
		return err
	}
	e, err := engine.Compile(n.Graph, n.Weights, engine.Options{Threads: f.threads})
	if err != nil {
		return err
	}
	if f.reference != "" {
		if err := f.compare(cmd, n, e); err != nil {
			return err
		}
	}
	if err := f.speed(cmd, n.Graph, e); err != nil {
		return err
	}
	return f.store(cmd, path, n)
}

// read imports the model.
func (f *modelFlags) read(ctx context.Context, path string) (*importer.Network, *onnx.Model, error) {
	n, m, err := importer.ImportFile(ctx, path, f.Options)
	if errors.Is(err, importer.ErrInputSize) {
		err = hint.New(err, "--input-size gives it, in pixels")
	}
	return n, m, err
}

// store writes the weights.
func (f *modelFlags) store(cmd *cobra.Command, path string, n *importer.Network) error {
	to := f.output
	if to == "" {
		to = strings.TrimSuffix(path, filepath.Ext(path)) + ".safetensors"
	}
	var b bytes.Buffer
	if err := weights.Write(&b, n.Weights); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(to, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), to)
	if s := n.Graph.Input.Shape; s.H != s.W {
		cli.Printf(cmd, "warning: the input is not square: no ensemble can predict images with it")
		return nil
	}
	cli.Printf(cmd, "next: infer import-weights %s --task TASK makes a config and an ensemble", say.Shell(to))
	return nil
}
