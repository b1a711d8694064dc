package command

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/summary"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/spf13/cobra"
)

// benchFlags are the flags of the verb bench.
type benchFlags struct {
	choice
	classes, batch, threads, runs int
	layers                        bool
}

// maxBatch bounds the memory of a batch to some gigabytes.
const maxBatch = 4096

// bench returns the verb that measures how fast networks run.
func bench() *cobra.Command {
	f := benchFlags{classes: 1000}
	cmd := &cobra.Command{
		Use:   "bench WEIGHTS-OR-ARCHITECTURE...",
		Short: "Measure how many images per second networks predict",
		Long: `bench predicts a batch of synthetic images several times and prints the median,
one line for each network, below the name of the processor. A network is a file of
weights, or the name of an architecture, which gets synthetic weights.

With --layers it prints the time and the speed of each step in one thread.
DEPLOY_KERNEL_SIMD=avx512, avx2 or scalar forces a set of SIMD routines.`,
		Example: `  infer bench 2b_se_resnext50_f0_e14_0.5975.safetensors --batch 16 --threads 2
  infer bench seresnext50_32x4d xception --input-size 320 --layers`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.batch < 1 || f.batch > maxBatch:
				return cli.Usagef("--batch must be from 1 to %d", maxBatch)
			case f.threads < 0 || f.runs < 1:
				return cli.Usagef("--runs must be at least 1, --threads can't be negative")
			}
			for i, arg := range args {
				if err := f.measure(cmd, arg, i == 0); err != nil {
					return err
				}
			}
			return nil
		},
	}
	addChoice(cmd, &f.choice)
	cmd.Flags().IntVar(&f.classes, "classes", f.classes, "`NUMBER` of classes of a named architecture")
	cmd.Flags().IntVar(&f.batch, "batch", 16, "number of `IMAGES` in a batch")
	cmd.Flags().IntVar(&f.threads, "threads", 0, "number of threads (default: one for each core)")
	cmd.Flags().IntVar(&f.runs, "runs", 5, "how many `TIMES` to measure")
	cmd.Flags().BoolVar(&f.layers, "layers", false, "print the time of each step")
	return cmd
}

// measure prints the line of one network, the first one under a heading.
func (f *benchFlags) measure(cmd *cobra.Command, name string, first bool) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	g, e, err := f.compile(cmd, name)
	if err != nil {
		return err
	}
	size := g.Input.Shape.Len()
	images, logits := make([]float32, f.batch*size), make([]float32, f.batch*g.Classes())
	for i := range images {
		images[i] = float32(math.Sin(float64(i) * 0.37))
	}
	if f.layers {
		return f.profile(out, g, e, images[:size])
	}
	times := make([]time.Duration, 0, f.runs)
	for i := range f.runs + 1 { // the first warms up
		start := time.Now()
		if err := e.Predict(ctx, images, logits); err != nil {
			return err
		}
		if i > 0 {
			times = append(times, time.Since(start))
		}
	}
	slices.Sort(times)
	if first {
		if cpu, err := machinecode.Detect(); err == nil {
			fmt.Fprintf(out, "# %v\n", cpu)
		}
		fmt.Fprintln(out, "NETWORK SIZE BATCH THREADS ROUTINES IMAGES/S")
	}
	threads := f.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	_, err = fmt.Fprintf(out, "%s %d %d %d %s %.2f\n", g.Arch, g.Input.Shape.H, f.batch, threads, e.SIMD(),
		float64(f.batch)/times[f.runs/2].Seconds())
	return err
}

// compile compiles the network of a file of weights or of an architecture.
func (f *benchFlags) compile(cmd *cobra.Command, name string) (*nn.Graph, *engine.Engine, error) {
	g, file, err := drawNamed(cmd, name, f.choice, f.classes)
	if err != nil {
		return nil, nil, err
	}
	var params engine.Params = synthetic{g}
	if file != nil {
		defer file.Close()
		params = file
	}
	e, err := engine.Compile(g, params, engine.Options{Threads: f.threads})
	return g, e, err
}

// profile prints the shortest time of each step.
func (f *benchFlags) profile(out io.Writer, g *nn.Graph, e *engine.Engine, image []float32) error {
	flop := map[string]int64{}
	for _, l := range summary.Of(g).Layers {
		flop[l.Name] += l.FLOP
	}
	best := e.Profile(image)
	for range f.runs {
		for i, s := range e.Profile(image) {
			best[i].Took = min(best[i].Took, s.Took)
		}
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "MS\tGFLOP/S\t  STEP\t")
	var sum time.Duration
	for _, s := range best {
		sum += s.Took
		rate := "-"
		if work := flop[s.Layer]; work > 0 {
			rate = fmt.Sprintf("%.0f", float64(work)/s.Took.Seconds()/1e9)
		}
		fmt.Fprintf(tw, "%.3f\t%s\t  %s\n", s.Took.Seconds()*1e3, rate, s.Name)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s at %dx%d, %s: %.1f ms\n", g.Arch, g.Input.Shape.H, g.Input.Shape.W, e.SIMD(), sum.Seconds()*1e3)
	return err
}

// synthetic makes weights that keep the scale of activations.
type synthetic struct{ graph *nn.Graph }

func (m synthetic) Float32(name string) (data []float32, shape []int, err error) {
	for _, p := range m.graph.Params() {
		if p.Name != name {
			continue
		}
		n, fan := 1, 1
		for i, d := range p.Shape {
			n *= d
			if i > 0 {
				fan *= d
			}
		}
		data = make([]float32, n)
		for i := range data {
			switch {
			case p.Role == nn.RunningVar || p.Role == nn.Weight && len(p.Shape) == 1:
				data[i] = 1
			case p.Role == nn.Weight:
				data[i] = float32(math.Sin(float64(i)*0.7) * math.Sqrt(2/float64(fan)))
			}
		}
		return data, p.Shape, nil
	}
	return nil, nil, fmt.Errorf("no parameter %s", name)
}
