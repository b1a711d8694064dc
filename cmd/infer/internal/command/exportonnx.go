package command

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/spf13/cobra"
)

// exportONNX returns the verb that writes a network for other runtimes.
func exportONNX() *cobra.Command {
	var c choice
	var output string
	cmd := &cobra.Command{
		Use:   "export-onnx WEIGHTS",
		Short: "Write a network with its weights as an ONNX file",
		Long: `export-onnx writes the network of a file of weights as an ONNX file (operator
set 17) for other runtimes. The input "input" is a batch of normalized images
(N, 3, H, W), the output "logits" is (N, classes). The file's metadata hold the
mean and the standard deviation of the normalization.

Architecture and input size come from the weights' metadata. If these lack the
architecture, the names of the tensors identify it.`,
		Example: `  infer export-onnx 2b_se_resnext50_f0_e14_0.5975.safetensors -o model.onnx
  infer export-onnx resnet20.pth --input-size 32 -o resnet20.onnx`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return cli.Usagef("--output is needed: the ONNX file to write")
			}
			f, err := openWeights(cmd, args[0], c)
			if err != nil {
				return err
			}
			defer f.Close()
			g, a, err := drawWeights(f, c)
			if err != nil {
				return err
			}
			if err := writeONNX(f, g, a, output); err != nil {
				return err
			}
			cli.Printf(cmd, "%s: %s, %d classes, written to %s", args[0], g.Arch, g.Classes(), output)
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the ONNX `FILE` to write")
	addChoice(cmd, &c)
	return cmd
}

// choice holds the flags about a file of weights.
type choice struct {
	network.Choice
	key string // --weights-key, for a file that holds several sets
}

// addChoice adds the flags of c.
func addChoice(cmd *cobra.Command, c *choice) {
	cmd.Flags().StringVar(&c.key, "weights-key", "", "`NAME` of the weights to read from a file with several sets, such as model_ema (default: the average)")
	cmd.Flags().StringVar(&c.Arch, "arch", "", "the `ARCHITECTURE`, if the weights lack it")
	_ = cmd.RegisterFlagCompletionFunc("arch", cobra.FixedCompletions(modelspec.Values("model.arch"), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().IntVar(&c.InputSize, "input-size", 0, "height and width of the input in `PIXELS`, if the weights lack them")
}

// openWeights opens a file of weights, or imports an ONNX model. It prints which set of
// weights it reads.
func openWeights(cmd *cobra.Command, path string, c choice) (*weightfile.File, error) {
	f, err := importer.OpenAny(cmd.Context(), path, importer.Options{InputSize: c.InputSize})
	if err != nil {
		return nil, err
	}
	if err := f.Choose(c.key); err != nil {
		f.Close()
		return nil, err
	}
	if f.Note() != "" {
		cli.Printf(cmd, "%s: %s", path, f.Note())
	}
	return f, nil
}

// drawWeights builds the network of a file.
func drawWeights(f *weightfile.File, c choice) (*nn.Graph, arch.Arch, error) {
	g, a, err := network.Of(f, c.Choice)
	if errors.Is(err, network.ErrInputSize) {
		err = hint.New(fmt.Errorf("%s: %w", f.Path(), err), "give --input-size")
	} else if err != nil {
		err = fmt.Errorf("%s: %w", f.Path(), err)
	}
	return g, a, err
}

func writeONNX(f *weightfile.File, g *nn.Graph, a arch.Arch, output string) error {
	if in, err := os.Stat(f.Path()); err == nil {
		if old, err := os.Stat(output); err == nil && os.SameFile(in, old) {
			return fmt.Errorf("%s is the file of weights itself", output)
		}
	}
	metadata := map[string]string{"mean": triple(a.Mean), "std": triple(a.Std)}
	maps.Copy(metadata, f.Metadata())
	metadata["arch"] = a.Name
	out, err := atomicfile.Create(output)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriterSize(out, 1<<20)
	if err := onnx.Write(w, g, f, onnx.Options{Metadata: metadata}); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return out.Commit()
}

func triple(v [3]float32) string { return strings.Trim(fmt.Sprint(v), "[]") }
