// Command bench compares the speed of the networks with peers.
//
//	pip install numpy onnxruntime openvino
//	go run ./dev/bench -networks xception -batches 1,16 -threads 2
//	go run ./dev/bench -networks 'convnext_tiny.bBATCH.onnx' -batches 1,16 -threads 2
//	go run ./dev/bench -peers kernel -networks seresnext50_32x4d -batches 16 -threads 2 -repeat 4
//	DEPLOY_KERNEL_SIMD=avx2 go run ./dev/bench -peers avx512 -batches 16 -threads 2
//
// It prints the processor, and one line for each measurement, in images per second:
//
//	NETWORK BATCH THREADS OURS PEER... RATIO
//
// Figures are medians of alternating runs. The ratio is to the fastest peer. The last
// lines are the geometric means of the ratios. Standard error has the peak memory of all
// sides. Each side is a process of its own, with the same network and weights. Ours is
// runtime/engine, in the loop of infer bench.
//
// A network is one of those that won iMet 2019, or an ONNX file of a fixed size. Ours
// imports the file. The word BATCH in its path stands for the batch.
//
// The peers are
//
//   - onnxruntime, openvino and openvino-2-streams, on the ONNX file or that of infer
//     export-onnx. OpenVINO computes in float32. $PYTHON, or python3, must be able to
//     import them; without, they are skipped. Two streams divide a batch.
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
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// network is a network to measure.
type network struct {
	name string
	size int
	file string // its ONNX file, or "" for an architecture
}

// batchMark stands for the batch in the path of an ONNX file.
const batchMark = "BATCH"

// networks lists the networks of the ensemble that won iMet 2019, with its input sizes.
var networks = []network{
	{name: "senet_se_resnext50_32x4d", size: 288},
	{name: "seresnext50_32x4d", size: 320},
	{name: "seresnext101_32x4d", size: 288},
	{name: "cbam_resnet50", size: 288},
	{name: "pnasnet5large", size: 288},
	{name: "xception", size: 363},
	{name: "inceptionresnetv2", size: 363},
}

// flags are the settings of a run.
type flags struct {
	networks         []network
	peers            []peer
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
	peers := flag.String("peers", "onnxruntime,openvino,openvino-2-streams", "comma-separated `PEERS`, also kernel and sets of SIMD routines such as avx2")
	names := flag.String("networks", "", "comma-separated `NAMES` or ONNX files (default: all seven)")
	batches := flag.String("batches", "1,16", "comma-separated batch `SIZES`")
	threads := flag.String("threads", "2", "comma-separated `NUMBERS` of threads")
	flag.IntVar(&f.rounds, "rounds", 5, "number of alternating `RUNS` of each side")
	flag.IntVar(&f.repeat, "repeat", 0, "number of `BATCHES` in a run (default: as many as take our side 0.3 s)")
	flag.BoolVar(&f.cpu, "cpu", false, "measure CPU time instead of wall time, for one thread on a busy machine")
	flag.Parse()
	if flag.NArg() > 0 || f.rounds < 1 || f.repeat < 0 {
		return nil, fmt.Errorf("unexpected arguments; see -help")
	}
	var err error
	if f.batches, err = numbers(*batches); err != nil {
		return nil, err
	}
	if f.threads, err = numbers(*threads); err != nil {
		return nil, err
	}
	if f.peers, err = peersOf(*peers); err != nil {
		return nil, err
	}
	f.networks, err = networksOf(*names)
	return f, err
}

// peersOf returns the peers of a list that can run here.
func peersOf(list string) ([]peer, error) {
	var out []peer
	all := peers()
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no peer %q; see -help", name)
		}
		if all[i].available() {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// networksOf returns the networks of a list, all seven for an empty one.
func networksOf(list string) ([]network, error) {
	if list == "" {
		return networks, nil
	}
	var out []network
	for name := range strings.SplitSeq(list, ",") {
		if filepath.Ext(name) == ".onnx" {
			n, err := networkOf(name)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
			continue
		}
		i := slices.IndexFunc(networks, func(n network) bool { return n.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no network %q; there are %v", name, networks)
		}
		out = append(out, networks[i])
	}
	return out, nil
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
	cpu, err := machinecode.Detect()
	if err != nil {
		return err
	}
	set, err := simd.Select(os.Getenv(simd.Variable))
	if err != nil {
		return err
	}
	fmt.Printf("# %v, routines %s\n", cpu, set.Name)
	fmt.Print("NETWORK BATCH THREADS OURS")
	for _, p := range f.peers {
		fmt.Print(" ", strings.ToUpper(p.name))
	}
	fmt.Println(" RATIO")
	ratios := map[string][]float64{} // by batch and threads
	for _, n := range f.networks {
		if err := f.measure(n, ratios); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	if len(f.peers) > 0 && len(f.networks) > 1 {
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
	for _, p := range f.peers {
		if err := p.prepare(n, dir); err != nil {
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

// compare prints the line of one measurement and returns the ratio to the fastest peer.
func (f *flags) compare(n network, dir string, batch, threads int) (float64, error) {
	starts := []start{startOurs}
	for i, p := range f.peers {
		if i == 0 {
			starts[0] = p.ours
		}
		if batch < p.minBatch {
			p.start = nil
		}
		starts = append(starts, p.start)
	}
	sides := make([]side, len(starts))
	for i, start := range starts {
		if start == nil {
			continue
		}
		s, err := start(n, dir, batch, threads)
		if err != nil {
			return 0, err
		}
		defer s.stop()
		sides[i] = s
	}
	rates, err := f.alternate(sides, batch)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%s %d %d", n.name, batch, threads)
	for _, rate := range rates {
		if rate == 0 {
			fmt.Print(" -")
			continue
		}
		fmt.Printf(" %.2f", rate)
	}
	if len(rates) == 1 {
		fmt.Println(" -")
		return 1, nil
	}
	ratio := rates[0] / slices.Max(rates[1:])
	fmt.Printf(" %.3f\n", ratio)
	log.Printf("%s, batch %d, %d threads: peak memory in MB %s", n.name, batch, threads, f.memory(sides))
	return ratio, nil
}

// alternate returns the images per second of each side, 0 for a side that is nil.
func (f *flags) alternate(sides []side, batch int) ([]float64, error) {
	repeat := f.repeat
	if repeat == 0 {
		wall, _, err := sides[0].run(1)
		if err != nil {
			return nil, err
		}
		repeat = max(1, int(0.3/wall))
	}
	seconds := make([][]float64, len(sides))
	for range f.rounds {
		for i, side := range sides {
			if side == nil {
				continue
			}
			wall, cpu, err := side.run(repeat)
			if err != nil {
				return nil, err
			}
			if f.cpu {
				wall = cpu
			}
			seconds[i] = append(seconds[i], wall)
		}
	}
	rates := make([]float64, len(sides))
	for i := range sides {
		if sides[i] == nil {
			continue
		}
		slices.Sort(seconds[i])
		rates[i] = float64(batch*repeat) / seconds[i][f.rounds/2]
	}
	return rates, nil
}

// memory lists the peak memory of the sides in MB.
func (f *flags) memory(sides []side) string {
	text := fmt.Sprintf("ours %d", sides[0].peakMB())
	for i, p := range f.peers {
		if s := sides[i+1]; s != nil {
			text += fmt.Sprintf(", %s %d", p.name, s.peakMB())
		}
	}
	return text
}
