package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func (s *scene) makeData() (err error) {
	s.files, err = demodata.WriteTrain(s.dir, demodata.TrainOptions{Rows: s.rows, Test: s.images})
	s.note("%d images to train on, %d to predict, %d classes", s.rows, s.images, len(demodata.Classes))
	return err
}

// trainer runs train with a config, and notes the best epochs.
func (s *scene) trainer(config string, args ...string) error {
	_, said, err := s.talk("train", append([]string{"--config", config, "--data", s.files.Data, "--run", s.path("runs", name(config))}, args...)...)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "the best") && !strings.Contains(line, "so far") {
			s.note("  %s", strings.TrimSpace(line))
		}
	}
	return err
}

// name returns the name of a config.
func name(config string) string { return strings.TrimSuffix(filepath.Base(config), ".yml") }

func (s *scene) train() error {
	if _, err := s.tool("train", "folds", "--config", s.files.Configs[0], "--data", s.files.Data, "--group-by", "-", "--force"); err != nil {
		return err
	}
	for _, c := range s.files.Configs {
		if err := s.trainer(c, "--folds", "0-2", "--force"); err != nil {
			return err
		}
	}
	return nil
}

// folds lists the weights of all folds of a network.
func (s *scene) folds(config string) ([]string, error) {
	return filepath.Glob(s.path("runs", name(config), "f?", name(config)+"_f*.safetensors"))
}

// throughONNX exports the folds of the last network as ONNX models, and imports them
// under the name imported. Only the imported network enters the ensemble.
func (s *scene) throughONNX() error {
	trained, err := s.folds(s.files.Configs[len(s.files.Configs)-1])
	if err != nil {
		return err
	}
	for _, dir := range []string{"onnx", "imported"} { // without the files of an earlier run
		if err := os.RemoveAll(s.path(dir)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.path("onnx"), 0o755); err != nil {
		return err
	}
	for _, weights := range trained {
		model := s.path("onnx", strings.TrimSuffix(filepath.Base(weights), ".safetensors")+".onnx")
		if _, err := s.tool("infer", "export-onnx", weights, "-o", model); err != nil {
			return err
		}
		if _, err := s.tool("infer", "import-weights", model, "--name", "imported", "--num-folds", "3", "--num-ttas", "2", "-o", s.path("imported")); err != nil {
			return err
		}
	}
	return nil
}

// weights lists the weights of the ensemble's networks: the drawn and the imported ones.
func (s *scene) weights() ([]string, error) {
	drawn, err := s.folds(s.files.Configs[0])
	if err != nil {
		return nil, err
	}
	imported, err := filepath.Glob(s.path("imported", "*.safetensors"))
	return append(drawn, imported...), err
}

func (s *scene) outOfFold() error {
	predict := []string{"--predict-oof", "--predict-test", "-o", s.path("oof")}
	if err := s.trainer(s.files.Configs[0], append(predict, "--folds", "0-2")...); err != nil {
		return err
	}
	return s.trainer(s.path("imported", "imported.yml"), append(predict, "--weights", s.path("imported"), "--all")...)
}

// blend gives both networks the same coefficient, so that the imported one has a part, and
// notes the score.
func (s *scene) blend() error {
	first, err := filepath.Glob(s.path("oof", "level1_train_*_f0_*.npy"))
	if err != nil {
		return err
	}
	out, err := s.tool("blend", append([]string{"demo", "--method", "equal", "--data", s.files.Data}, first...)...)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		s.note("  %s", line)
	}
	s.ensemble = s.path(lines[len(lines)-1]) // the last line
	return nil
}

// compare checks that infer and train wrote the same bytes of predictions. infer predicts
// only networks with a coefficient.
func (s *scene) compare(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "level1_test_*.npy"))
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("infer left no predictions in %s", dir)
	}
	for _, path := range paths {
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(s.path("oof", filepath.Base(path)))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("infer's %s differs from train's", filepath.Base(path))
		}
	}
	s.note("predictions of the %d networks: the same bytes as train's", len(paths))
	return nil
}

// score scores the submission against the true labels of the test images.
func (s *scene) score() error {
	truth, err := input.ReadTableFile(filepath.Join(s.files.Data, "labels.csv"))
	if err != nil {
		return err
	}
	got, err := input.ReadTableFile(s.path("kaggle", "working-go", "submission.csv"))
	if err != nil {
		return err
	}
	y := metric.Rows{Classes: len(demodata.Classes), Scores: make([]float32, len(truth.Rows)*len(demodata.Classes))}
	for i := range truth.Rows {
		labels, err := truth.Classes(i, y.Classes)
		if err != nil {
			return err
		}
		y.Labels = append(y.Labels, labels)
		if labels, err = got.Classes(i, y.Classes); err != nil {
			return err
		}
		for _, c := range labels {
			y.Scores[i*y.Classes+c] = 1
		}
	}
	score := y.FBeta(0.5, 2)
	_, constant := metric.BestConstant(y.Labels, y.Classes, 2)
	s.note("F2 %.4f; the best constant answer has %.4f", score, constant)
	if score <= constant {
		return fmt.Errorf("the ensemble is no better than a constant answer")
	}
	return os.WriteFile(s.path("score.txt"), fmt.Appendf(nil, "F2 %.4f, constant %.4f\n", score, constant), 0o644)
}
