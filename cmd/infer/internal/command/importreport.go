package command

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/summary"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/spf13/cobra"
)

// report describes an imported model.
type report struct {
	path    string
	network *importer.Network
	model   *onnx.Model
}

// write prints the report. With all it begins with the parts of the model.
func (r *report) write(w io.Writer, all bool) error {
	if all {
		if err := r.parts(w); err != nil {
			return err
		}
	}
	g := r.network.Graph
	producer := cmp.Or(r.model.Producer, "an unknown exporter")
	fmt.Fprintf(w, "%s: %s of %s become %s\n", r.path, say.Count(len(r.model.Graph.Nodes), "node"), producer, say.Count(len(g.Nodes)-1, "operation"))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range count(g) {
		fmt.Fprintf(tw, "  %s\t%d\n", c.name, c.times)
	}
	s, t := g.Input.Shape, summary.Of(g)
	order := "N, C, H, W"
	if r.network.ChannelsLast {
		order = "N, H, W, C"
	}
	fmt.Fprintf(tw, "  input\t%d channels, %dx%d pixels (%s)\n", s.C, s.H, s.W, order)
	fmt.Fprintf(tw, "  classes\t%d\n", g.Classes())
	fmt.Fprintf(tw, "  parameters\t%.2f million\n", float64(t.Params)/1e6)
	fmt.Fprintf(tw, "  work\t%.2f GFLOP an image\n", float64(t.FLOP)/1e9)
	fmt.Fprintf(tw, "  output\t%s\n", meanings[r.network.Activation])
	a, _, err := network.Imported(r.network.Weights.Metadata)
	if err != nil {
		return err
	}
	from := "assumed, ImageNet's"
	if r.network.Weights.Metadata["std"] != "" {
		from = "stated by the model"
	}
	fmt.Fprintf(tw, "  normalization\tmean %s, deviation %s (%s)\n", triple(a.Mean), triple(a.Std), from)
	return tw.Flush()
}

// meanings explains the last activation of a model.
var meanings = map[importer.Activation]string{
	importer.Logits:     "logits, without an activation",
	importer.Sigmoid:    "sigmoid, left out: the task is multilabel",
	importer.Softmax:    "softmax, left out: the task is multiclass",
	importer.LogSoftmax: "log-softmax, left out: the task is multiclass",
}

// counted is an operation and how often it occurs.
type counted struct {
	name  string
	times int
}

// count returns the operations of a network, the most frequent first.
func count(g *nn.Graph) []counted {
	times := map[string]int{}
	for _, n := range g.Nodes[1:] {
		times[operation(n)]++
	}
	var all []counted
	for _, name := range slices.Sorted(maps.Keys(times)) {
		all = append(all, counted{name, times[name]})
	}
	slices.SortStableFunc(all, func(a, b counted) int { return b.times - a.times })
	return all
}

// operation returns the name of a node's operation, with the function of an activation.
func operation(n *nn.Node) string {
	if n.Op == nn.Activate {
		return n.Activation.String()
	}
	return n.Op.String()
}

// parts prints a line for each part of the model.
func (r *report) parts(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NODE\tBECAME")
	for _, s := range r.network.Steps {
		var names []string
		for _, n := range s.Became {
			name := operation(n)
			if n.Name != "" {
				name += " " + n.Name
			}
			names = append(names, fmt.Sprintf("%s %v", name, n.Shape))
		}
		fmt.Fprintf(tw, "%v\t%s\n", s.Node, cmp.Or(strings.Join(names, ", "), "nothing: it renames axes"))
	}
	return tw.Flush()
}

// speed measures how many images per second the network predicts, one by one and in
// batches.
func (f *modelFlags) speed(cmd *cobra.Command, g *nn.Graph, e *engine.Engine) error {
	if f.batch == 0 {
		return nil
	}
	threads := f.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var rates []string
	sizes := []int{1, f.batch}
	for _, n := range slices.Compact(sizes) {
		rate, err := measure(cmd, g, e, n)
		if err != nil {
			return err
		}
		rates = append(rates, fmt.Sprintf("%.1f images/s at batch %d", rate, n))
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "  speed          %s (%s, %s)\n", strings.Join(rates, ", "), say.Count(threads, "thread"), e.SIMD())
	return err
}

// patience is how long a measurement repeats a batch.
const patience = time.Second

// measure returns the images per second of the fastest batch of n images.
func measure(cmd *cobra.Command, g *nn.Graph, e *engine.Engine, n int) (float64, error) {
	s := g.Input.Shape
	image := shrink.Images(1, max(s.H, s.W))[:s.H*s.W*3]
	images, logits := make([]float32, 0, n*s.Len()), make([]float32, n*g.Classes())
	for len(images) < n*s.Len() {
		images = append(images, image[:min(len(image), n*s.Len()-len(images))]...)
	}
	best := time.Duration(0)
	for begin := time.Now(); best == 0 || time.Since(begin) < patience; {
		start := time.Now()
		if err := e.Predict(cmd.Context(), images, logits); err != nil {
			return 0, err
		}
		if took := time.Since(start); best == 0 || took < best {
			best = took
		}
	}
	return float64(n) / best.Seconds(), nil
}
