// Command demo runs the whole workflow offline, with nothing but Go. It makes a small
// image data set and trains two networks on three folds. One of them goes through ONNX
// files, as a network of another tool would. The demo blends them, encrypts the weights
// and deploys the ensemble. It runs the kernel with `go run kernel.go` and kernel.py in
// Kaggle's layout, compares the submissions with infer's, and scores them.
//
// It uses the commands in bin/, which `make build` builds.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
)

func main() {
	rows := flag.Int("rows", 480, "number of images to train on")
	images := flag.Int("images", 120, "number of images to predict")
	keep := flag.String("keep", "", "`FOLDER` for all files, which keeps them (default: a temporary folder)")
	data := flag.String("data", "", "only make the images and configs, in `FOLDER`")
	bin := flag.String("bin", "bin", "`FOLDER` of the commands")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *data != "" {
		if err := makeOnly(*data, *rows, *images); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
			os.Exit(1)
		}
		return
	}
	if err := show(ctx, *rows, *images, *keep, *bin); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// makeOnly makes the data of the README's quick start.
func makeOnly(dir string, rows, images int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, err := demodata.WriteTrain(dir, demodata.TrainOptions{Rows: rows, Test: images})
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d images to train on, %d to predict; configs %s\n", files.Data, rows, images, strings.Join(files.Configs, ", "))
	return nil
}

// show runs the steps in a folder.
func show(ctx context.Context, rows, images int, keep, bin string) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(bin, "deploy-kernel")); err != nil {
		return errors.New("the commands are not in bin/: run `make build` first")
	}
	dir := keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "deploy-kernel-demo-*"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	s := &scene{ctx: ctx, dir: dir, bin: bin, rows: rows, images: images}
	start := time.Now()
	for i, step := range steps {
		fmt.Printf("%d  %s\n", i+1, step.title)
		if err := s.do(step.run); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	fmt.Printf("\nAll submissions are the same bytes. %s in all.\n", round(time.Since(start)))
	if keep != "" {
		fmt.Println("Everything is in", dir)
	}
	return nil
}

// scene is the state that the steps share.
type scene struct {
	ctx    context.Context
	dir    string // all files are below it
	bin    string
	rows   int      // to train on
	images int      // to predict
	notes  []string // of the step being done

	files    demodata.TrainFiles
	ensemble string // its file
	want     []byte // infer's submission
}

// do runs a step, and prints its notes and its time.
func (s *scene) do(run func(*scene) error) error {
	s.notes = nil
	start := time.Now()
	err := run(s)
	for _, n := range s.notes {
		fmt.Println("     " + n)
	}
	if s.ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err == nil {
		fmt.Printf("     %s\n", round(time.Since(start)))
	}
	return err
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

func (s *scene) note(format string, args ...any) {
	s.notes = append(s.notes, strings.ReplaceAll(fmt.Sprintf(format, args...), s.dir+"/", ""))
}

func (s *scene) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// tool runs a command of bin and returns its standard output.
func (s *scene) tool(name string, args ...string) (string, error) {
	stdout, _, err := s.talk(name, args...)
	return stdout, err
}

// talk runs a command of bin and returns its standard output and standard error.
func (s *scene) talk(name string, args ...string) (stdout, stderr string, err error) {
	s.note("$ %s %s", name, strings.Join(args, " "))
	cmd := exec.CommandContext(s.ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	return output(cmd)
}

// output runs cmd. The error holds its output.
func output(cmd *exec.Cmd) (out, said string, err error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, strings.TrimSpace(stderr.String()+stdout.String()))
	}
	return stdout.String(), stderr.String(), nil
}
