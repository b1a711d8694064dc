package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/trainer"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
)

// Fold trains a network of small.yml on all rows but those of fold 0.
func ExampleFold() {
	ctx := context.Background()
	c, _, err := config.ReadFile("small.yml")
	if err != nil {
		panic(err)
	}
	set, err := trainer.Open(ctx, c, data.Source{CSV: "data/train.csv", Dirs: []string{"data/train"}})
	if err != nil {
		panic(err)
	}
	folds, err := fold.Stratify(set.Labels, fold.Options{Folds: c.Model.NumFolds, Seed: c.Train.Seed})
	if err != nil {
		panic(err)
	}
	end, err := trainer.Fold(ctx, trainer.Job{Name: "small", Config: c, Set: set, Folds: folds, Fold: 0, Dir: "runs/small/f0"})
	if err != nil {
		panic(err)
	}
	fmt.Printf("F2 %.4f: %s\n", end.Best.Score, end.Path)
}

// job returns a job of two steps on generated images.
func job(t *testing.T, dir string) trainer.Job {
	t.Helper()
	files, err := demodata.WriteTrain(t.TempDir(), demodata.TrainOptions{Rows: 40, Test: 1})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(files.Configs[0])
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Parse("small.yml", text, "train.num_epochs=1", "train.max_steps_per_epoch=2", "train.batch_size=4")
	if err != nil {
		t.Fatal(err)
	}
	set, err := trainer.Open(t.Context(), c, data.Source{CSV: filepath.Join(files.Data, "train.csv"), Dirs: []string{filepath.Join(files.Data, "train")}})
	if err != nil {
		t.Fatal(err)
	}
	folds, err := fold.Stratify(set.Labels, fold.Options{Folds: c.Model.NumFolds})
	if err != nil {
		t.Fatal(err)
	}
	return trainer.Job{Name: "small", Config: c, Set: set, Folds: folds, Dir: dir, MaxHeldOut: 8}
}

func TestFoldTrainsAndReportsItsProgress(t *testing.T) {
	j := job(t, t.TempDir())
	var steps, epochs, begun int
	var path string
	j.Hooks = trainer.Hooks{
		Hooks: loop.Hooks{
			Batch: func(p loop.Progress) { steps++ },
			Epoch: func(loop.Result, *loop.State) { epochs++ },
		},
		Begin:   func(*loop.Checkpoint, []string) { begun++ },
		Trained: func(_ loop.Result, p string) { path = p },
	}
	end, err := trainer.Fold(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if steps != 2 || epochs != 1 || begun != 1 || path != end.Path || end.Complete {
		t.Errorf("%d steps, %d epochs, begun %d times, path %s, outcome %+v", steps, epochs, begun, path, end)
	}
	for _, name := range []string{"config.yml", "results.csv", "curves.png", "augmented.png", runfolder.CheckpointFile, filepath.Base(end.Path)} {
		if _, err := os.Stat(filepath.Join(j.Dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := trainer.Fold(t.Context(), j); !errors.Is(err, runfolder.ErrExists) {
		t.Errorf("a second training in the folder: %v", err)
	}
	j.Mode = runfolder.Resume
	if again, err := trainer.Fold(t.Context(), j); err != nil || !again.Complete || again.Path != end.Path {
		t.Errorf("resuming a complete training: %+v, %v", again, err)
	}
}

func TestAStoppedTrainingNamesItsCheckpoint(t *testing.T) {
	j := job(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	j.Hooks.Batch = func(loop.Progress) { cancel() }
	_, err := trainer.Fold(ctx, j)
	var stopped *trainer.StoppedError
	if !errors.As(err, &stopped) || !errors.Is(err, context.Canceled) || stopped.Stage != trainer.Training || stopped.Batch != 1 {
		t.Fatalf("%v, %+v", err, stopped)
	}
	if _, err := os.Stat(stopped.Checkpoint); err != nil {
		t.Error(err)
	}
}

func TestPrepareRefusesWeightsOfAnotherNetwork(t *testing.T) {
	j := job(t, t.TempDir())
	end, err := trainer.Fold(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	other := *j.Config
	other.Model.Arch = "cifar_resnet32"
	j.Config, j.Weights = &other, end.Path
	var wrong *trainer.WeightsError
	if _, err := trainer.Prepare(j); !errors.As(err, &wrong) || wrong.Path != end.Path {
		t.Errorf("got %v", err)
	}
}

// A regression begins at the targets' mean: an epoch at rate 0 scores as the constant
// answer does, but for the random weights of the last layer.
func TestARegressionBeginsAtTheMeanOfTheTargets(t *testing.T) {
	j := job(t, t.TempDir())
	table := "id,depth\n"
	for i, id := range j.Set.IDs {
		table += fmt.Sprintf("%s,%d\n", id, 1000+i)
	}
	path := filepath.Join(t.TempDir(), "targets.csv")
	if err := os.WriteFile(path, []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	var err error
	if j.Config, _, err = config.Parse("r.yml", []byte("model: {arch: cifar_resnet20, task: regression, input_size: 32}\n"+
		"train: {num_epochs: 1, max_steps_per_epoch: 1, batch_size: 4}\noptimizer: {name: sgd, params: {lr: 0}}\n")); err != nil {
		t.Fatal(err)
	}
	if j.Set, err = trainer.Open(t.Context(), j.Config, data.Source{CSV: path, Dirs: []string{filepath.Dir(j.Set.Paths[0])}}); err != nil {
		t.Fatal(err)
	}
	end, err := trainer.Fold(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if end.Best.Score > 30 || end.Best.Threshold != 0 {
		t.Errorf("rmse %v at %v; targets are 1000 to 1039", end.Best.Score, end.Best.Threshold)
	}
}
