package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/npz"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/spf13/cobra"
)

// runFile computes the outputs of an array. The array gives the input size if the model
// leaves it open.
func (f *modelFlags) runFile(cmd *cobra.Command, path string) error {
	in, err := os.Open(f.run)
	if err != nil {
		return err
	}
	defer in.Close()
	x := npz.Array{Name: f.run}
	if x.Data, x.Shape, err = npy.ReadFloat32(in); err != nil {
		return fmt.Errorf("%s: %w", f.run, err)
	}
	n, _, err := importer.ImportFile(cmd.Context(), path, f.Options)
	if size := f.sizeOf(x.Shape); errors.Is(err, importer.ErrInputSize) && size.InputSize > 0 {
		n, _, err = importer.ImportFile(cmd.Context(), path, size)
	}
	if err != nil {
		return err
	}
	e, err := engine.Compile(n.Graph, n.Weights, engine.Options{Threads: f.threads})
	if err != nil {
		return err
	}
	out, err := outputs(cmd.Context(), n, e, x)
	if err != nil {
		return fmt.Errorf("%s: %w", f.run, err)
	}
	shape := slices.Clone(n.OutputShape)
	if len(shape) == 0 || shape[0] != 1 {
		shape = slices.Insert(shape, 0, 1)
	}
	shape[0] = x.Shape[0]
	var b bytes.Buffer
	if err := npy.WriteFloat32(&b, shape, out); err != nil {
		return fmt.Errorf("writing %s: %w", f.output, err)
	}
	if err := atomicfile.WriteFile(f.output, b.Bytes()); err != nil {
		return err
	}
	cli.Printf(cmd, "%s: %s, written to %s", path, say.Count(shape[0], "image"), f.output)
	return nil
}

// sizeOf returns the options with the input size of an array. The smallest of its last
// three axes holds the channels.
func (f *modelFlags) sizeOf(shape []int) importer.Options {
	o := f.Options
	if len(shape) != 4 {
		return o
	}
	o.InputSize, o.InputWidth = shape[2], shape[3]
	if shape[3] < min(shape[1], shape[2]) {
		o.InputSize, o.InputWidth = shape[1], shape[2]
	}
	return o
}

// outputs computes what the model returns for a batch of images that lie as it takes
// them.
func outputs(ctx context.Context, n *importer.Network, e *engine.Engine, x npz.Array) ([]float32, error) {
	s := n.Graph.Input.Shape
	want := []int{0, s.C, s.H, s.W}
	if n.ChannelsLast {
		want = []int{0, s.H, s.W, s.C}
	}
	if len(x.Shape) != 4 || x.Shape[0] < 1 || !slices.Equal(x.Shape[1:], want[1:]) {
		return nil, fmt.Errorf("the array has the shape %v, but the model takes images of %v", x.Shape, want[1:])
	}
	images := x.Data
	if !n.ChannelsLast {
		images = channelsLast(x.Data, x.Shape)
	}
	out := make([]float32, x.Shape[0]*n.Graph.Classes())
	if err := e.Predict(ctx, images, out); err != nil {
		return nil, err
	}
	for one := range slices.Chunk(out, n.Graph.Classes()) {
		n.Activation.Apply(one)
	}
	return out, nil
}

// channelsLast returns a batch (N, C, H, W) as (N, H, W, C).
func channelsLast(x []float32, shape []int) []float32 {
	channels, pixels := shape[1], shape[2]*shape[3]
	out := make([]float32, len(x))
	for i := range shape[0] {
		from, to := x[i*channels*pixels:], out[i*channels*pixels:]
		for c := range channels {
			for p := range pixels {
				to[p*channels+c] = from[c*pixels+p]
			}
		}
	}
	return out
}

// maxDifference is the largest difference to a reference, relative to the largest
// output, that is no error. Real mistakes exceed it by far.
const maxDifference = 1e-3

// compare prints how much the outputs differ from those of another runtime.
func (f *modelFlags) compare(cmd *cobra.Command, n *importer.Network, e *engine.Engine) error {
	arrays, err := npz.ReadFile(f.reference)
	if err != nil {
		return err
	}
	if len(arrays) != 2 {
		return hint.New(fmt.Errorf("%s holds %d arrays: an input and an output are needed", f.reference, len(arrays)),
			"in Python: numpy.savez(FILE, input=x, output=y)")
	}
	x, y := arrays[0], arrays[1]
	got, err := outputs(cmd.Context(), n, e, x)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.reference, x.Name, err)
	}
	if len(got) != len(y.Data) {
		return fmt.Errorf("%s: %s has the shape %v, but the model returns %d images of %d outputs", f.reference, y.Name, y.Shape, x.Shape[0], n.Graph.Classes())
	}
	worst, largest := 0.0, 0.0
	for i, want := range y.Data {
		worst = math.Max(worst, math.Abs(float64(got[i]-want))) // keeps NaN
		largest = math.Max(largest, math.Abs(float64(want)))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "  difference     %.2g of the largest output, which is %.4g (%s)\n", worst/largest, largest, say.Count(x.Shape[0], "image"))
	if !(worst <= maxDifference*largest) {
		return hint.New(fmt.Errorf("the outputs differ from those of %s by %.2g of the largest", f.reference, worst/largest),
			"check that the reference belongs to this model and was made in float32")
	}
	return nil
}
