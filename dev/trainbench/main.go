// Command trainbench compares training steps (forward, backward, Adam) of SE-ResNeXt50
// with PyTorch: images per second and peak memory, in alternating runs.
//
//	go run ./dev/trainbench [-size 288] [-batch 8] [-threads 2] [-rounds 5]
//
// PYTHON names the python3 of the peer. Without torch the peer is skipped.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/dev/usage"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/trainer/graph"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
)

//go:embed peer.py
var peer string

// settings are the settings of a measurement.
type settings struct{ size, batch, threads, steps, rounds int }

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var s settings
	flag.IntVar(&s.size, "size", 288, "height and width of an image")
	flag.IntVar(&s.batch, "batch", 8, "images of a step")
	flag.IntVar(&s.threads, "threads", 2, "threads")
	flag.IntVar(&s.steps, "steps", 2, "steps of a round")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds")
	own := flag.Bool("own", false, "answer as a runner of our own, for the parent")
	flag.Parse()
	run := s.compare
	if *own {
		run = s.own
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// runner is a process that makes training steps on request.
type runner struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	name  string
	times []float64 // seconds a step
}

func start(cmd *exec.Cmd) (*runner, error) {
	r := &runner{cmd: cmd}
	cmd.Stderr = os.Stderr
	var err error
	if r.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.out = bufio.NewScanner(out)
	if !r.out.Scan() {
		return nil, errors.Join(errors.New("a runner ended before it began"), cmd.Wait())
	}
	r.name = r.out.Text()
	return r, nil
}

// step makes n steps and returns the seconds of one.
func (r *runner) step(n int) (float64, error) {
	fmt.Fprintln(r.in, n)
	if !r.out.Scan() {
		return 0, fmt.Errorf("%s ended", r.name)
	}
	seconds, err := strconv.ParseFloat(r.out.Text(), 64)
	return seconds / float64(n), err
}

// end ends the process and returns its peak memory in bytes.
func (r *runner) end() float64 {
	r.in.Close()
	for r.out.Scan() {
		fmt.Println(r.out.Text())
	}
	r.cmd.Wait()
	return float64(usage.Peak(r.cmd.ProcessState))
}

// compare runs both sides alternately and prints the figures.
func (s settings) compare() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"-own"}
	for name, v := range map[string]int{"size": s.size, "batch": s.batch, "threads": s.threads} {
		args = append(args, fmt.Sprintf("-%s=%d", name, v))
	}
	ours, err := start(exec.Command(self, args...))
	if err != nil {
		return err
	}
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	runners := []*runner{ours}
	theirs, err := start(exec.Command(python, "-c", peer, strconv.Itoa(s.size), strconv.Itoa(s.batch), strconv.Itoa(s.threads)))
	switch {
	case err != nil || theirs.name == "none":
		fmt.Printf("%s has no torch: our figures stand alone\n", python)
	default:
		runners = append(runners, theirs)
	}
	fmt.Printf("SE-ResNeXt50-32x4d, %dx%d, batch %d, forward, backward, Adam, %d threads, %d rounds of %d steps\n", s.size, s.size, s.batch, s.threads, s.rounds, s.steps)
	for round := range s.rounds + 1 {
		for _, r := range runners {
			seconds, err := r.step(s.steps)
			if err != nil {
				return err
			}
			if round > 0 { // the first warms up
				r.times = append(r.times, seconds)
			}
		}
	}
	var speeds []float64
	for _, r := range runners {
		slices.Sort(r.times)
		median := r.times[len(r.times)/2]
		speeds = append(speeds, float64(s.batch)/median)
		peak := r.end()
		fmt.Printf("%-28s %6.2f images/s (%.0f ms a step, %.0f to %.0f), peak memory %.2f GB\n", r.name, float64(s.batch)/median, 1e3*median, 1e3*r.times[0], 1e3*r.times[len(r.times)-1], peak/1e9)
	}
	if len(speeds) == 2 {
		fmt.Printf("ratio %.2fx\n", speeds[0]/speeds[1])
	}
	return nil
}

// own runs our side.
func (s settings) own() error {
	g, err := arch.SEResNeXt50.Build(arch.Config{InputSize: s.size, Classes: 1103})
	if err != nil {
		return err
	}
	f, err := loss.New("binary_cross_entropy", loss.Options{})
	if err != nil {
		return err
	}
	m, err := graph.New(g, golden.StateDict(g), graph.Options{Batch: s.batch, Threads: s.threads, Loss: graph.Loss(f)})
	if err != nil {
		return err
	}
	opt, err := optim.New(optim.Config{Name: "adam", Threads: s.threads})
	if err != nil {
		return err
	}
	images, labels := make([]float32, s.batch*g.Input.Shape.Len()), make([]float32, s.batch*g.Classes())
	for i := range images {
		images[i] = float32(2 * golden.Uniform("bench.images", i))
	}
	for i := range labels {
		if golden.Uniform("bench.labels", i) > 0.98 {
			labels[i] = 1
		}
	}
	fmt.Println("deploy-kernel")
	steps := 0
	var before, after runtime.MemStats
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		n, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			return err
		}
		if steps > 0 && before.TotalAlloc == 0 {
			runtime.ReadMemStats(&before)
			steps = 0
		}
		begin := time.Now()
		for range n {
			value, _, err := m.Step(context.Background(), images, labels)
			if err != nil {
				return err
			}
			if math.IsNaN(value) {
				return errors.New("the loss is no number")
			}
			if err := m.Update(opt, 1e-4, 1); err != nil {
				return err
			}
			steps++
		}
		fmt.Println(time.Since(begin).Seconds())
	}
	runtime.ReadMemStats(&after)
	fmt.Printf("garbage a step: %.2f MB\n", float64(after.TotalAlloc-before.TotalAlloc)/1e6/float64(steps))
	return nil
}
