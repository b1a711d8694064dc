// Command bench measures how fast the networks run beside ONNX Runtime.
//
//	npm i --ignore-scripts onnxruntime-node
//	go run ./internal/bench -networks xception -batches 1,16 -threads 2
//
// It prints one line per measurement, the medians of alternating runs:
//
//	NETWORK BATCH THREADS OURS PEER RATIO
//
// in images per second; then the geometric means of the ratios, and, on the
// standard error, the peak memory of both. Both run as processes of their own
// on the same network with the same weights: the peer gets the file that infer
// export-onnx writes. Node finds onnxruntime-node in ./node_modules or in
// $NODE_PATH; where it isn't there the peer is skipped.
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

// network is one that the peer is measured on.
type network struct {
	name string
	size int
}

// networks are those of the ensemble that won iMet 2019, at its input sizes.
var networks = []network{
	{"senet_se_resnext50_32x4d", 288},
	{"seresnext50_32x4d", 320},
	{"seresnext101_32x4d", 288},
	{"cbam_resnet50", 288},
	{"pnasnet5large", 288},
	{"xception", 363},
	{"inceptionresnetv2", 363},
}

// flags are the choices of a run.
type flags struct {
	networks         []network
	batches, threads []int
	rounds           int
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
	names := flag.String("networks", "", "comma-separated `NAMES` (default: all seven)")
	batches := flag.String("batches", "1,16", "comma-separated batch `SIZES`")
	threads := flag.String("threads", "1,2", "comma-separated `NUMBERS` of threads")
	flag.IntVar(&f.rounds, "rounds", 5, "`RUNS` of each, alternating")
	flag.BoolVar(&f.cpu, "cpu", false, "count the processor's time instead of the wall's: for one thread on a busy machine")
	flag.Parse()
	if flag.NArg() > 0 || f.rounds < 1 {
		return nil, fmt.Errorf("unexpected arguments; see -help")
	}
	var err error
	if f.batches, err = numbers(*batches); err != nil {
		return nil, err
	}
	if f.threads, err = numbers(*threads); err != nil {
		return nil, err
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

// run measures everything, batch by batch, so that the lines of one geometric
// mean follow one another.
func (f *flags) run() error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peer := havePeer()
	fmt.Println("NETWORK BATCH THREADS OURS PEER RATIO")
	means := map[string][]float64{}
	for _, n := range f.networks {
		model := ""
		if peer {
			if model, err = export(n, dir); err != nil {
				return err
			}
		}
		for _, batch := range f.batches {
			for _, threads := range f.threads {
				ratio, err := f.compare(n, model, batch, threads)
				if err != nil {
					return fmt.Errorf("%s: %w", n.name, err)
				}
				key := fmt.Sprintf("batch %d, %d threads", batch, threads)
				means[key] = append(means[key], ratio)
			}
		}
		os.Remove(model)
	}
	if peer && len(f.networks) > 1 {
		for _, batch := range f.batches {
			for _, threads := range f.threads {
				key := fmt.Sprintf("batch %d, %d threads", batch, threads)
				fmt.Printf("# %s: geometric mean %.3f, least %.3f\n", key, geometricMean(means[key]), slices.Min(means[key]))
			}
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
func (f *flags) compare(n network, model string, batch, threads int) (float64, error) {
	ours, err := startWorker(n, batch, threads)
	if err != nil {
		return 0, err
	}
	defer ours.stop()
	sides := []*child{ours}
	if model != "" {
		peer, err := startPeer(model, n, batch, threads)
		if err != nil {
			return 0, err
		}
		defer peer.stop()
		sides = append(sides, peer)
	}
	seconds := make([][]float64, len(sides))
	for range f.rounds {
		for i, side := range sides {
			wall, cpu, err := side.run()
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
		rate[i] = float64(batch) / seconds[i][f.rounds/2]
	}
	if len(sides) == 1 {
		fmt.Printf("%s %d %d %.2f - -\n", n.name, batch, threads, rate[0])
		return 1, nil
	}
	fmt.Printf("%s %d %d %.2f %.2f %.3f\n", n.name, batch, threads, rate[0], rate[1], rate[0]/rate[1])
	log.Printf("%s, batch %d, %d threads: peak memory %d MB, the peer's %d MB", n.name, batch, threads, ours.peakMB(), sides[1].peakMB())
	return rate[0] / rate[1], nil
}
