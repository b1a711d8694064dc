// Command demo shows the whole way end to end, offline and with nothing but Go:
// it makes a small image data set, trains two networks on three folds of it,
// blends them, encrypts the weights, deploys the ensemble, runs the kernel by
// `go run kernel.go` as Kaggle would have it, compares its submission with that
// of infer, and scores it.
//
// It uses the commands in bin/, which `make build` makes.
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
	rows := flag.Int("rows", 480, "how many images to make and train on")
	images := flag.Int("images", 120, "how many images to make and predict")
	keep := flag.String("keep", "", "`FOLDER` to make everything in and leave it there (default: a temporary one)")
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

// makeOnly makes the data that the README's session is about.
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

// show makes the folder and does the steps in it.
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

// scene is what the steps share.
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

// do does a step and tells what there is to note, and how long it took.
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

// tool runs a command of ours and returns its standard output.
func (s *scene) tool(name string, args ...string) (string, error) {
	stdout, _, err := s.talk(name, args...)
	return stdout, err
}

// talk runs a command of ours and returns also what it says beside its output.
func (s *scene) talk(name string, args ...string) (stdout, stderr string, err error) {
	s.note("$ %s %s", name, strings.Join(args, " "))
	cmd := exec.CommandContext(s.ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	return output(cmd)
}

// output runs cmd; where it fails, the error has what it wrote.
func output(cmd *exec.Cmd) (out, said string, err error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, strings.TrimSpace(stderr.String()+stdout.String()))
	}
	return stdout.String(), stderr.String(), nil
}
