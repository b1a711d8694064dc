package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
)

// steps lists the steps of the demo in order.
var steps = []struct {
	title string
	run   func(*scene) error
}{
	{"make images of shapes, with missing labels, near-copies and uneven classes", (*scene).makeData},
	{"train: two networks, three folds each", (*scene).train},
	{"infer export-onnx, import-weights: one network goes through ONNX, as a foreign one would", (*scene).throughONNX},
	{"train --predict-oof --predict-test: predict held-out rows and test images", (*scene).outOfFold},
	{"blend: make an ensemble of the networks", (*scene).blend},
	{"make a key and encrypt the weights", (*scene).encrypt},
	{"infer: predict the ensemble in place, from plain weights", (*scene).infer},
	{"deploy-kernel infer: make and check kernel.go, program, script and metadata", (*scene).deploy},
	{"lay out all files as Kaggle mounts them", (*scene).mount},
	{"go run kernel.go: empty folder, empty module cache, no go.mod, GOPROXY=off", (*scene).goRun},
	{"python3 kernel.py, as Kaggle starts it", (*scene).python},
	{"score the submission against the true labels", (*scene).score},
}

func (s *scene) encrypt() error {
	if _, err := s.tool("crypt", "keygen", "--force", "-o", s.path("demo.key")); err != nil {
		return err
	}
	if err := os.MkdirAll(s.path("encrypted"), 0o755); err != nil {
		return err
	}
	plain, err := s.weights()
	if err != nil {
		return err
	}
	_, err = s.tool("crypt", append([]string{"encrypt", "--force", "--key", s.path("demo.key"), "--out-dir", s.path("encrypted")}, plain...)...)
	return err
}

func (s *scene) infer() error {
	out := s.path("infer", "submission.csv")
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if _, err := s.tool("infer", s.ensemble, "--weights", s.path("runs"), "--weights", s.path("oof"), "--weights", s.path("imported"), "--input", s.files.Data, "--output", out, "--predictions", filepath.Dir(out)); err != nil {
		return err
	}
	if err := s.compare(filepath.Dir(out)); err != nil {
		return err
	}
	var err error
	if s.want, err = os.ReadFile(out); err != nil {
		return err
	}
	s.note("submission.csv: %d rows, SHA-256 %.8x…", bytes.Count(s.want, []byte("\n"))-1, sha256.Sum256(s.want))
	return nil
}

func (s *scene) deploy() error {
	out, err := s.tool("deploy-kernel", "infer", s.ensemble, "--weights", s.path("encrypted"), "--weights", s.path("oof"), "--configs", s.path("imported"),
		"--key", s.path("demo.key"), "--user", "demo", "--input", s.files.Data, "-o", s.path("deploy"))
	if err != nil {
		return err
	}
	for _, name := range []string{"kernel.go", "kernel.py", filepath.Join("program", "kernel.bin")} {
		info, err := os.Stat(s.path("deploy", name))
		if err != nil {
			return err
		}
		s.note("%-18s %5.0f kB", name, float64(info.Size())/1e3)
	}
	s.note("it prints the commands that upload it:")
	for line := range strings.Lines(out) {
		s.note("  %s", strings.TrimSpace(line))
	}
	return nil
}

// mount copies the files to the folders where Kaggle mounts them.
func (s *scene) mount() error {
	inputs := s.path("kaggle", "input")
	if err := os.RemoveAll(s.path("kaggle")); err != nil {
		return err
	}
	for from, to := range map[string]string{
		s.files.Data:                filepath.Join(inputs, "competitions", "shapes"),
		s.path("deploy", "weights"): filepath.Join(inputs, "datasets", "demo", "demo-weights"),
		s.path("deploy", "program"): filepath.Join(inputs, "datasets", "demo", "demo-program"),
	} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			return err
		}
	}
	for working, file := range map[string]string{"working-go": "kernel.go", "working-python": "kernel.py"} {
		if err := os.MkdirAll(s.path("kaggle", working), 0o755); err != nil {
			return err
		}
		b, err := os.ReadFile(s.path("deploy", file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.path("kaggle", working, file), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// run runs a command in a working folder beside input, without network and with a
// read-only input, and compares its submission with infer's.
func (s *scene) run(working string, env []string, name string, args ...string) error {
	box := sandbox.New(sandbox.Options{NoNetwork: true, ReadOnly: []string{s.path("kaggle", "input")}})
	for _, what := range box.Lacks {
		s.note("this system does not allow %s; continuing without it", what)
	}
	if len(box.Lacks) == 0 {
		s.note("no network, and ../input is read-only")
	}
	cmd := box.Command(s.ctx, name, args...)
	cmd.Dir = s.path("kaggle", working)
	cmd.Env = append(append(os.Environ(), "DEPLOY_KERNEL_SCRATCH="+s.path("scratch-"+working)), env...)
	if _, _, err := output(cmd); err != nil {
		return err
	}
	path := filepath.Join(cmd.Dir, "submission.csv")
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, s.want) {
		return fmt.Errorf("the submission %s differs from infer's", path)
	}
	s.note("submission.csv: SHA-256 %.8x…, the same as infer's", sha256.Sum256(got))
	return nil
}

func (s *scene) goRun() error {
	modules, err := os.MkdirTemp(s.dir, "modcache-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(modules)
	return s.run("working-go", []string{
		"GOMODCACHE=" + modules, "GOPROXY=off", "GOFLAGS=-mod=mod", "GO111MODULE=on", "GOTOOLCHAIN=local",
	}, "go", "run", "kernel.go")
}

func (s *scene) python() error {
	python, err := exec.LookPath("python3")
	if err != nil {
		s.note("there is no python3; skipped")
		return nil
	}
	return s.run("working-python", nil, python, "kernel.py")
}
