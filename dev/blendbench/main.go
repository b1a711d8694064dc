// Command blendbench measures the command blend at the scale of a competition: 7 models,
// 109,237 rows and 1,103 classes. Package oofgen makes the predictions from the labels of
// iMet 2019. The steps are
//
//	whole    time, memory and score of a blend of all rows
//	metrics  the same for the other metrics, and for thresholds per class
//	sample   the search on a tenth of the rows beside SciPy's Nelder-Mead, if python3
//	         has scipy
//	methods  the scores of all methods on a tenth of the rows, over several seeds
//
//	go run ./dev/blendbench -blend bin/blend -data ../shared/data/imet -work dist/bench-blend
package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/dev/oofgen"
	"github.com/deploy-kernel/deploy-kernel/dev/usage"
)

//go:embed nelder_mead.py
var peer []byte

func main() {
	b := bench{}
	flag.StringVar(&b.blend, "blend", "bin/blend", "the command to measure")
	flag.StringVar(&b.data, "data", "../shared/data/imet", "the folder of train.csv and folds.npy")
	flag.StringVar(&b.work, "work", "dist/bench-blend", "the folder for generated files (4 GB)")
	flag.IntVar(&b.first, "first", 1, "the first seed for the step methods")
	flag.IntVar(&b.last, "last", 10, "the last seed for the step methods")
	steps := flag.String("steps", "whole,metrics,sample,methods", "the steps to run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	known := map[string]func(context.Context) error{"whole": b.whole, "metrics": b.metrics, "sample": b.sample, "methods": b.methods}
	for _, name := range strings.Split(*steps, ",") {
		step, ok := known[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "blendbench: there is no step %q\n", name)
			os.Exit(2)
		}
		if err := step(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "blendbench:", err)
			os.Exit(1)
		}
	}
}

type bench struct {
	blend, data, work string
	first, last       int
}

// generate makes the predictions unless they exist. It returns the files of fold 0,
// which are blend's arguments.
func (b *bench) generate(ctx context.Context, name string, every int, seed uint64) ([]string, error) {
	dir := filepath.Join(b.work, name)
	done := filepath.Join(dir, "done")
	if _, err := os.Stat(done); err != nil {
		fmt.Fprintf(os.Stderr, "making %s\n", dir)
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		truth, err := oofgen.ReadTruth(filepath.Join(b.data, "train.csv"), filepath.Join(b.data, "folds.npy"), every)
		if err != nil {
			return nil, err
		}
		if _, err := oofgen.Generate(ctx, dir, truth, oofgen.Options{Models: 7, Seed: seed}); err != nil {
			return nil, err
		}
		if err := os.WriteFile(done, nil, 0o644); err != nil {
			return nil, err
		}
	}
	return filepath.Glob(filepath.Join(dir, "level1_train_*_f0_*.npy"))
}

// run is the outcome of a run of blend.
type run struct {
	score          float64
	search         time.Duration
	wall, cpu      time.Duration
	memory         int64 // bytes
	stdout, stderr string
}

var said = regexp.MustCompile(`: (-?[0-9.]+) after [0-9]+ points and [0-9]+ lines in (\S+)\n`)

func (b *bench) run(ctx context.Context, files []string, args ...string) (*run, error) {
	cmd := exec.CommandContext(ctx, b.blend, append(append([]string{filepath.Join(b.work, "best")}, files...), args...)...)
	var out, log lines
	cmd.Stdout, cmd.Stderr = &out, &log
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", b.blend, err, log)
	}
	r := &run{wall: time.Since(begin), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), stdout: string(out), stderr: string(log)}
	r.memory = usage.Peak(cmd.ProcessState)
	m := said.FindStringSubmatch(r.stderr)
	if m == nil {
		return nil, fmt.Errorf("%s said no score:\n%s", b.blend, log)
	}
	var err error
	if r.score, err = strconv.ParseFloat(m[1], 64); err != nil {
		return nil, err
	}
	r.search, err = time.ParseDuration(m[2])
	return r, err
}

// lines collects output.
type lines []byte

func (l *lines) Write(b []byte) (int, error) {
	*l = append(*l, b...)
	return len(b), nil
}

// whole measures a blend of all rows.
func (b *bench) whole(ctx context.Context) error {
	files, err := b.generate(ctx, "whole", 1, 1)
	if err != nil {
		return err
	}
	r, err := b.run(ctx, files)
	if err != nil {
		return err
	}
	fmt.Printf("7 models x 109,237 x 1,103: %s\n\n%s\n", r, r.stdout)
	return nil
}

func (r *run) String() string {
	return fmt.Sprintf("%.1f s, %.1f s of CPU, %d MB; search %.2f s, score %.6f",
		r.wall.Seconds(), r.cpu.Seconds(), r.memory/1e6, r.search.Seconds(), r.score)
}

// metrics measures a blend of all rows for the other metrics.
func (b *bench) metrics(ctx context.Context) error {
	files, err := b.generate(ctx, "whole", 1, 1)
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"--metric", "micro-f-beta"}, {"--metric", "accuracy"}, {"--metric", "log-loss"}, {"--thresholds", "per-class"},
	} {
		r, err := b.run(ctx, files, args...)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", strings.Join(args, " "), r)
	}
	return nil
}

// sample compares the search with SciPy's on a tenth of the rows.
func (b *bench) sample(ctx context.Context) error {
	files, err := b.generate(ctx, "sample1", 10, 1)
	if err != nil {
		return err
	}
	runs := make([]*run, 5)
	for i := range runs {
		if runs[i], err = b.run(ctx, files, "--report=false"); err != nil {
			return err
		}
	}
	slices.SortFunc(runs, func(a, b *run) int { return cmp.Compare(a.search, b.search) })
	r := runs[len(runs)/2]
	fmt.Printf("a tenth of the rows: exact search %.3f s (%.3f to %.3f in %d runs), score %.6f\n",
		r.search.Seconds(), runs[0].search.Seconds(), runs[len(runs)-1].search.Seconds(), len(runs), r.score)
	cmd := exec.CommandContext(ctx, "python3", "-c", string(peer), filepath.Join(b.work, "sample1"))
	out, err := cmd.Output()
	if err != nil {
		fmt.Printf("SciPy was not measured: python3 with numpy and scipy is needed (%v)\n", err)
		return nil
	}
	var p struct {
		Seconds, Score float64
		Evaluations    int
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return err
	}
	fmt.Printf("SciPy's Nelder-Mead:  %.1f s, score %.6f after %d evaluations: the exact search is %.0fx as fast, %+.6f\n",
		p.Seconds, p.Score, p.Evaluations, p.Seconds/r.search.Seconds(), r.score-p.Score)
	return nil
}

// methods compares the methods over several seeds. Each seed has its own predictions.
func (b *bench) methods(ctx context.Context) error {
	names := []string{"exact", "equal", "greedy", "random", "nelder-mead", "cma-es"}
	fmt.Printf("\na tenth of the rows, score (seconds of search):\nseed")
	for _, n := range names {
		fmt.Printf("  %17s", n)
	}
	fmt.Println()
	for seed := b.first; seed <= b.last; seed++ {
		files, err := b.generate(ctx, fmt.Sprintf("sample%d", seed), 10, uint64(seed))
		if err != nil {
			return err
		}
		fmt.Printf("%4d", seed)
		exact := 0.0
		for i, n := range names {
			r, err := b.run(ctx, files, "--report=false", "--method", n, "--seed", strconv.Itoa(seed))
			if err != nil {
				return err
			}
			if i == 0 {
				exact = r.score
			} else if r.score > exact {
				return fmt.Errorf("seed %d: %s found %v, the exact search %v", seed, n, r.score, exact)
			}
			fmt.Printf("  %.6f (%6.2f)", r.score, r.search.Seconds())
		}
		fmt.Println()
		if seed > 1 {
			if err := os.RemoveAll(filepath.Join(b.work, fmt.Sprintf("sample%d", seed))); err != nil {
				return err
			}
		}
	}
	return nil
}
