package runfolder_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
	"github.com/deploy-kernel/deploy-kernel/trainer/schedule"
)

// killed names the environment variable of a folder. With it, the test binary saves
// checkpoints to that folder until it is killed.
const killed = "DEPLOY_KERNEL_TEST_SAVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killed); dir != "" {
		f, _, err := runfolder.Open(dir, runfolder.Resume, info(nil))
		for i := 0; err == nil; i++ {
			err = errors.Join(f.SaveCheckpoint(checkpoint(float32(i))), f.SaveBest(dict(float32(i)), result(i)))
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func info(t testing.TB) runfolder.Info {
	c, _, err := config.Parse("c.yml", []byte("model: {arch: cifar_resnet20, num_classes: 3, input_size: 32}\ntrain: {seed: 7}"))
	if err != nil {
		if t == nil {
			panic(err)
		}
		t.Fatal(err)
	}
	return runfolder.Info{Name: "small", Fold: 1, Config: c, Arch: "cifar_resnet20"}
}

const size = 1 << 18

func dict(v float32) *weights.StateDict {
	values := make([]float32, size)
	for i := range values {
		values[i] = v
	}
	return &weights.StateDict{Tensors: []weights.Tensor{weights.NewFloat32("fc.weight", []int{size}, values)}}
}

func result(epoch int) loop.Result {
	return loop.Result{
		Epoch: epoch, Step: 10 * epoch, Rate: 1e-3, TrainLoss: 1.0 / float64(epoch+3), ValidLoss: 0.5, Score: 0.5 + float64(epoch%1000)/2000,
		Threshold: 0.25, Images: 100, Took: 2 * time.Second, Waited: time.Second, Best: true,
	}
}

func checkpoint(v float32) *loop.Checkpoint {
	return &loop.Checkpoint{
		State: loop.State{
			Epoch: 2, Batch: 3, Step: 23, LossSum: 0.1 + 0.2, RNG: 1<<63 + 1, SWA: 2,
			Schedule: schedule.State{Rate: 1e-4 / 3, Bad: 2}, History: []loop.Result{result(0), result(1)},
		},
		Model: dict(v), Optimizer: dict(v + 0.5), SWA: dict(-v),
	}
}

func open(t *testing.T, dir string, mode runfolder.Mode) (*runfolder.Folder, *loop.Checkpoint) {
	t.Helper()
	f, c, err := runfolder.Open(dir, mode, info(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, c
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestACheckpointIsReadAsItWasWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "f1")
	f, c := open(t, dir, runfolder.Resume)
	if c != nil {
		t.Fatal("there is a checkpoint before any")
	}
	want := checkpoint(3)
	ok(t, f.SaveCheckpoint(want))
	_, got := open(t, dir, runfolder.Resume)
	for _, d := range []*weights.StateDict{want.Model, want.Optimizer, want.SWA} {
		d.Metadata = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, written %+v", got.State, want.State)
	}
}

func TestAnExistingTrainingIsRefusedUnlessAskedFor(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, dir, runfolder.Refuse)
	ok(t, f.SaveBest(dict(1), result(0)))
	ok(t, f.SaveCheckpoint(checkpoint(1)))
	ok(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644))
	if _, _, err := runfolder.Open(dir, runfolder.Refuse, info(t)); !errors.Is(err, runfolder.ErrExists) {
		t.Errorf("error %v", err)
	}
	open(t, dir, runfolder.Overwrite)
	entries, err := os.ReadDir(dir)
	ok(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"config.yml", "last", "metrics.jsonl", "notes.txt"}; !slices.Equal(names, want) {
		t.Errorf("left are %v, want %v", names, want)
	}
}

func TestOlderWeightsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, dir, runfolder.Refuse)
	ok(t, os.WriteFile(filepath.Join(dir, "other_f0_e01_0.1.safetensors"), nil, 0o644))
	for i := range 3 {
		ok(t, f.SaveLast(dict(float32(i)), result(i)))
		if i < 2 {
			ok(t, f.SaveBest(dict(float32(i)), result(i)))
		}
	}
	for pattern, want := range map[string]string{"small_*": "small_f1_e01_0.5005.safetensors", "last/*": "small_f1_e02_0.5010.safetensors", "other*": "other_f0_e01_0.1.safetensors"} {
		got, err := filepath.Glob(filepath.Join(dir, pattern))
		ok(t, err)
		if len(got) != 1 || filepath.Base(got[0]) != want {
			t.Errorf("%s: %v, want %s", pattern, got, want)
		}
	}
	w, err := weightfile.Open(f.BestPath())
	ok(t, err)
	defer w.Close()
	m := w.Metadata()
	if m["epoch"] != "1" || m["fold"] != "1" || m["threshold"] != "0.25" || m["arch"] != "cifar_resnet20" || m["classes"] != "3" {
		t.Errorf("the metadata are %v", m)
	}
	if c, _, err := config.Parse("x", []byte(m["config"])); err != nil || c.Train.Seed != 7 {
		t.Errorf("the config is %v", err)
	}
	best, err := f.Best()
	if err != nil || best.Tensors[0].Data[3] != dict(1).Tensors[0].Data[3] {
		t.Errorf("other weights are the best (%v)", err)
	}
}

func TestResultsAndMetricsContinueAfterAResume(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, dir, runfolder.Refuse)
	for i := range 4 {
		ok(t, f.Step(loop.Progress{Epoch: 0, Batch: i, Step: i, Loss: 1, Rate: 1}))
	}
	ok(t, f.WriteResults([]loop.Result{result(0)}))
	for i := range 5 {
		ok(t, f.Step(loop.Progress{Epoch: 1, Batch: i, Step: 4 + i, Loss: 1, Rate: 1}))
	}
	c := checkpoint(1)
	c.State.Epoch, c.State.Batch = 1, 2
	ok(t, f.SaveCheckpoint(c))
	ok(t, f.Close())
	open(t, dir, runfolder.Resume)
	b, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	ok(t, err)
	if n := strings.Count(string(b), "\n"); n != 4+1+2 {
		t.Errorf("%d lines are left, want those of 4 and 2 batches and of an epoch:\n%s", n, b)
	}
	table, err := os.ReadFile(filepath.Join(dir, "results.csv"))
	ok(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(table))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][5] != "0.5" || rows[1][7] != "50" || rows[1][8] != "0.5" {
		t.Errorf("results.csv is %v, %v", rows, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "curves.png")); err != nil || info.Size() < 1000 {
		t.Errorf("curves.png: %v", err)
	}
}

func TestAKillDuringASaveLeavesThePreviousFilesWhole(t *testing.T) {
	for round := range 10 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killed+"="+dir)
		ok(t, cmd.Start())
		// Until both files are there, then a little longer, a different time
		// each round.
		for {
			best, err := filepath.Glob(filepath.Join(dir, "small_*"))
			ok(t, err)
			if _, err := os.Stat(filepath.Join(dir, "checkpoint.safetensors")); err == nil && len(best) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(round) * 1700 * time.Microsecond)
		ok(t, cmd.Process.Kill())
		_ = cmd.Wait()
		_, c := open(t, dir, runfolder.Resume)
		v, _, err := c.Model.Float32("fc.weight")
		ok(t, err)
		if o, _, err := c.Optimizer.Float32("fc.weight"); err != nil || o[size-1] != v[0]+0.5 || v[0] != v[size-1] {
			t.Fatalf("the checkpoint's parts are of different saves: %v and %v, %v", v[0], o[size-1], err)
		}
		best, err := filepath.Glob(filepath.Join(dir, "small_*"))
		ok(t, err)
		for _, path := range best {
			w, err := weightfile.Open(path)
			ok(t, err)
			values, _, err := w.Float32("fc.weight")
			if err != nil || values[0] != values[size-1] {
				t.Errorf("%s is torn (%v)", path, err)
			}
			ok(t, w.Close())
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); len(left) > 0 {
			t.Errorf("temporary files are left: %v", left)
		}
	}
}
