// Command bench compares the speed of the networks with a peer.
//
//	npm i --ignore-scripts onnxruntime-node
//	go run ./dev/bench -networks xception -batches 1,16 -threads 2
//	go run ./dev/bench -peer kernel -networks seresnext50_32x4d -batches 16 -threads 2 -repeat 4
//	DEPLOY_KERNEL_SIMD=avx2 go run ./dev/bench -peer avx512 -batches 16 -threads 2
//
// It prints one line for each measurement, in images per second:
//
//	NETWORK BATCH THREADS OURS PEER RATIO
//
// Figures are medians of alternating runs. The last lines are the geometric means of the
// ratios. Standard error has the peak memory of both sides. Each side is a process of its
// own, with the same network and weights. Ours is runtime/engine, in the loop of infer
// bench. The peers are
//
//   - onnxruntime, on the file of infer export-onnx. Node searches onnxruntime-node in
//     ./node_modules and $NODE_PATH. Without it the peer is skipped.
//   - kernel, the program that deploy-kernel infer builds from kernel.go, on image files.
//     The time of a run of one batch is subtracted, which removes start and end. Ours is
//     then the command infer, measured in the same way.
//   - avx512, avx2 and scalar, our side with these SIMD routines.
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// network is a network to measure.
type network struct {
	name string
	size int
}

// networks lists the networks of the ensemble that won iMet 2019, with its input sizes.
var networks = []network{
	{"senet_se_resnext50_32x4d", 288},
	{"seresnext50_32x4d", 320},
	{"seresnext101_32x4d", 288},
	{"cbam_resnet50", 288},
	{"pnasnet5large", 288},
	{"xception", 363},
	{"inceptionresnetv2", 363},
}

// flags are the settings of a run.
type flags struct {
	networks         []network
	peer             *peer // nil for none
	batches, threads []int
	rounds, repeat   int
	cpu              bool
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := work(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	f, err := parse()
	if err != nil {
		log.Fatal(err)
	}
	if err := f.run(); err != nil {
		log.Fatal(err)
	}
}

func parse() (*flags, error) {
	f := new(flags)
	name := flag.String("peer", "onnxruntime", "the `PEER`: onnxruntime, kernel, or a set of SIMD routines such as avx2")
	names := flag.String("networks", "", "comma-separated `NAMES` (default: all seven)")
	batches := flag.String("batches", "1,16", "comma-separated batch `SIZES`")
	threads := flag.String("threads", "1,2", "comma-separated `NUMBERS` of threads")
	flag.IntVar(&f.rounds, "rounds", 5, "number of alternating `RUNS` of each side")
	flag.IntVar(&f.repeat, "repeat", 1, "number of `BATCHES` in a run")
	flag.BoolVar(&f.cpu, "cpu", false, "measure CPU time instead of wall time, for one thread on a busy machine")
	flag.Parse()
	if flag.NArg() > 0 || f.rounds < 1 || f.repeat < 1 {
		return nil, fmt.Errorf("unexpected arguments; see -help")
	}
	var err error
	if f.batches, err = numbers(*batches); err != nil {
		return nil, err
	}
	if f.threads, err = numbers(*threads); err != nil {
		return nil, err
	}
	all := peers()
	i := slices.IndexFunc(all, func(p peer) bool { return p.name == *name })
	if i < 0 {
		return nil, fmt.Errorf("no peer %q; see -help", *name)
	}
	if f.peer = &all[i]; f.peer.name == "onnxruntime" && !haveONNXRuntime() {
		f.peer = nil
	}
	f.networks = networks
	if *names != "" {
		f.networks = nil
		for name := range strings.SplitSeq(*names, ",") {
			i := slices.IndexFunc(networks, func(n network) bool { return n.name == name })
			if i < 0 {
				return nil, fmt.Errorf("no network %q; there are %v", name, networks)
			}
			f.networks = append(f.networks, networks[i])
		}
	}
	return f, nil
}

func numbers(list string) ([]int, error) {
	var out []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no list of positive numbers", list)
		}
		out = append(out, n)
	}
	return out, nil
}

// run measures everything.
func (f *flags) run() error {
	fmt.Println("NETWORK BATCH THREADS OURS PEER RATIO")
	ratios := map[string][]float64{} // by batch and threads
	for _, n := range f.networks {
		if err := f.measure(n, ratios); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	if f.peer != nil && len(f.networks) > 1 {
		for _, batch := range f.batches {
			for _, threads := range f.threads {
				key := setting(batch, threads)
				fmt.Printf("# %s: geometric mean %.3f, least %.3f\n", key, geometricMean(ratios[key]), slices.Min(ratios[key]))
			}
		}
	}
	return nil
}

func setting(batch, threads int) string { return fmt.Sprintf("batch %d, %d threads", batch, threads) }

// measure prints the lines of a network and adds its ratios.
func (f *flags) measure(n network, ratios map[string][]float64) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if f.peer != nil {
		if err := f.peer.prepare(n, dir); err != nil {
			return err
		}
	}
	for _, batch := range f.batches {
		for _, threads := range f.threads {
			ratio, err := f.compare(n, dir, batch, threads)
			if err != nil {
				return err
			}
			key := setting(batch, threads)
			ratios[key] = append(ratios[key], ratio)
		}
	}
	return nil
}

func geometricMean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(xs)))
}

// compare prints the line of one measurement and returns the ratio.
func (f *flags) compare(n network, dir string, batch, threads int) (float64, error) {
	startSide := startOurs
	if f.peer != nil {
		startSide = f.peer.ours
	}
	ours, err := startSide(n, dir, batch, threads)
	if err != nil {
		return 0, err
	}
	defer ours.stop()
	sides := []side{ours}
	if f.peer != nil {
		peer, err := f.peer.start(n, dir, batch, threads)
		if err != nil {
			return 0, err
		}
		defer peer.stop()
		sides = append(sides, peer)
	}
	seconds := make([][]float64, len(sides))
	for range f.rounds {
		for i, side := range sides {
			wall, cpu, err := side.run(f.repeat)
			if err != nil {
				return 0, err
			}
			if f.cpu {
				wall = cpu
			}
			seconds[i] = append(seconds[i], wall)
		}
	}
	rate := make([]float64, len(sides))
	for i := range sides {
		slices.Sort(seconds[i])
		rate[i] = float64(batch*f.repeat) / seconds[i][f.rounds/2]
	}
	if len(sides) == 1 {
		fmt.Printf("%s %d %d %.2f - -\n", n.name, batch, threads, rate[0])
		return 1, nil
	}
	fmt.Printf("%s %d %d %.2f %.2f %.3f\n", n.name, batch, threads, rate[0], rate[1], rate[0]/rate[1])
	log.Printf("%s, batch %d, %d threads: peak memory %d MB, the peer's %d MB", n.name, batch, threads, ours.peakMB(), sides[1].peakMB())
	return rate[0] / rate[1], nil
}
