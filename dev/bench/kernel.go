package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

const (
	inputFolder  = "input"    // the kernel's input, in the network's folder
	deployFolder = "deployed" // in inputFolder
	fold         = "bench_f0_e1_0.5"
	config       = `model:
  arch: %s
  input_size: %d
  num_classes: %d
test:
  num_ttas: 1
`
)

// deploy makes a kernel of the network alone with the command deploy-kernel, and builds
// the command infer.
func deploy(n network, dir string) error {
	g, _, err := n.load()
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, fold+".safetensors"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := weights.Write(f, golden.StateDict(g)); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"bench.yml":    fmt.Sprintf(config, n.name, n.size, classes),
		fold + ".yml":  "threshold: 0.4\n",
		"ensemble.yml": "- predicts: [level1_train_" + fold + ".npy]\n  weight: 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, inputFolder), 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "run", deploykernel.Path+"/cmd/deploy-kernel", "infer", filepath.Join(dir, "ensemble.yml"),
		"--weights", dir, "--user", "bench", "--quiet", "--time-limit", "0", "-o", filepath.Join(dir, inputFolder, deployFolder))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("deploying: %w\n%s", err, out)
	}
	built, err := os.ReadFile(filepath.Join(dir, inputFolder, deployFolder, "program", "kernel.bin"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel"), built, 0o700); err != nil {
		return err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "infer"), deploykernel.Path+"/cmd/infer").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building infer: %w\n%s", err, out)
	}
	return nil
}

// program is a side that predicts image files. Its time includes decoding, but not the
// start, which reads the weights, and the end.
type program struct {
	command     []string // without the number of images
	input       string
	size, batch int
	images      int   // files in input
	peak        int64 // memory, in bytes
}

// startKernel starts the program built of kernel.go.
func startKernel(n network, dir string, batch, threads int) (side, error) {
	return startProgram(n, dir, batch, threads, "kernel", "--scratch=")
}

// startInfer starts the command that runs the same packages in place.
func startInfer(n network, dir string, batch, threads int) (side, error) {
	return startProgram(n, dir, batch, threads, "infer", filepath.Join(dir, "ensemble.yml"), "--weights", dir, "--quiet")
}

func startProgram(n network, dir string, batch, threads int, name string, args ...string) (side, error) {
	input := filepath.Join(dir, inputFolder)
	command := append([]string{filepath.Join(dir, name)}, args...)
	command = append(command, "--input", input, "--output", filepath.Join(dir, name+".csv"),
		"--batch", strconv.Itoa(batch), "--threads", strconv.Itoa(threads))
	p := &program{command: command, input: input, size: n.size, batch: batch}
	_, _, err := p.predict(1) // loads the weights into the page cache
	return p, err
}

// writeImages writes n images of the network's size to dir, and a sample submission that
// lists them beside it.
func writeImages(dir string, size, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(x + y), 255})
		}
	}
	sample := new(strings.Builder)
	sample.WriteString("id,attribute_ids\n")
	for i := range n {
		name := fmt.Sprintf("%04d", i)
		fmt.Fprintf(sample, "%s,0\n", name)
		f, err := os.Create(filepath.Join(dir, name+".png"))
		if err != nil {
			return err
		}
		if err := png.Encode(f, img); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(filepath.Dir(dir), "sample_submission.csv"), []byte(sample.String()), 0o600)
}

// run implements side. It subtracts the time of one batch, with start and end.
func (p *program) run(batches int) (wall, cpu float64, err error) {
	wall, cpu, err = p.predict(1 + batches)
	if err != nil {
		return 0, 0, err
	}
	wall0, cpu0, err := p.predict(1)
	return wall - wall0, cpu - cpu0, err
}

// predict runs the program on a number of batches.
func (p *program) predict(batches int) (wall, cpu float64, err error) {
	if p.images < batches*p.batch {
		p.images = batches * p.batch
		if err := writeImages(filepath.Join(p.input, "test"), p.size, p.images); err != nil {
			return 0, 0, err
		}
	}
	cmd := exec.Command(p.command[0], append(p.command[1:len(p.command):len(p.command)], "--limit", strconv.Itoa(batches*p.batch))...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	stop := sandbox.Watch(cmd.Process.Pid)
	err = cmd.Wait()
	wall = time.Since(start).Seconds()
	p.peak = max(p.peak, stop())
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w\n%s", filepath.Base(p.command[0]), err, out.Bytes())
	}
	return wall, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}

func (p *program) peakMB() int { return int(p.peak / 1e6) }

func (p *program) stop() {}
