package deploy

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// verify runs the program as Kaggle would, on two images, and the same plan in this
// process. Both must write the same bytes if both were built for the same target.
func verify(ctx context.Context, o Options, built *plan.Built, tests *testSet, p program, datasets []folder.Dataset, draft *folder.Draft) error {
	root := filepath.Join(draft.Scratch, "check")
	inputs := filepath.Join(root, "input")
	if err := mount(datasets, draft, filepath.Join(inputs, "datasets", o.Owner)); err != nil {
		return err
	}
	if err := writeCheckImages(ctx, o, built.Plan, tests, filepath.Join(inputs, "competitions", "check")); err != nil {
		return err
	}
	bundled, unbundled := filepath.Join(root, "working"), filepath.Join(root, "unbundled")
	for _, dir := range []string{bundled, unbundled} {
		if err := os.MkdirAll(filepath.Join(dir, "predictions"), 0o755); err != nil {
			return err
		}
	}
	if err := runProgram(ctx, o, p.path, bundled); err != nil {
		return err
	}
	run := predict.Options{
		Archs: built.Archs, Operations: engine.Operations(), Formats: formats.All(), Input: inputs,
		Output: filepath.Join(unbundled, "submission.csv"), Predictions: filepath.Join(unbundled, "predictions"),
	}
	if o.KeyPlace == folder.InEnvironment || o.KeyPlace == folder.InKernel {
		run.Key = &o.Key
	}
	if _, err := predict.Run(ctx, built.Plan, run); err != nil {
		return fmt.Errorf("predicting two images with the unbundled runtime: %w", err)
	}
	return compare(built.Weights, bundled, unbundled)
}

// mount links the datasets below dir, where Kaggle mounts them.
func mount(datasets []folder.Dataset, draft *folder.Draft, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range datasets {
		from, err := draft.Path(d.Folder)
		if err != nil {
			return err
		}
		if from, err = filepath.Abs(from); err != nil {
			return err
		}
		if err := os.Symlink(from, filepath.Join(dir, filepath.Base(d.ID))); err != nil {
			return err
		}
	}
	return nil
}

// runProgram runs the program in the folder working, as kernel.py would.
func runProgram(ctx context.Context, o Options, program, working string) error {
	cmd := exec.CommandContext(ctx, program, "--predictions", "predictions", "--output", "submission.csv")
	cmd.Dir = working
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DEPLOY_KERNEL_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	if o.KeyPlace == folder.InEnvironment {
		cmd.Env = append(cmd.Env, "DEPLOY_KERNEL_KEY="+o.Key.Text())
	}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("the kernel failed on two images: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// compare returns an error unless the two runs wrote the same bytes.
func compare(weights []plan.Weight, bundled, unbundled string) error {
	for _, w := range weights {
		name := filepath.Join("predictions", "level1_test_"+w.Name+".npy")
		a, b, err := readBoth(bundled, unbundled, name)
		if err != nil {
			return err
		}
		if bytes.Equal(a, b) {
			continue
		}
		d, err := distance(a, b)
		if err != nil {
			return fmt.Errorf("comparing the predictions of %s: %w", w.Name, err)
		}
		return hint.New(fmt.Errorf("the kernel predicts otherwise than the unbundled runtime: %s differs by %.3g", w.Name, d),
			"this is a fault in deploy-kernel; nothing was written")
	}
	a, b, err := readBoth(bundled, unbundled, "submission.csv")
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return hint.New(fmt.Errorf("the kernel's submission differs from the unbundled runtime's:\n%s\nagainst\n%s", a, b),
			"this is a fault in deploy-kernel; nothing was written")
	}
	return nil
}

// readBoth reads the file of that name in both folders.
func readBoth(bundled, unbundled, name string) (a, b []byte, err error) {
	if a, err = os.ReadFile(filepath.Join(bundled, name)); err == nil {
		b, err = os.ReadFile(filepath.Join(unbundled, name))
	}
	return a, b, err
}

// distance returns the largest difference between the elements of two .npy files.
func distance(a, b []byte) (float64, error) {
	x, shapeX, err := npy.ReadFloat32(bytes.NewReader(a))
	if err != nil {
		return 0, err
	}
	y, shapeY, err := npy.ReadFloat32(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	if fmt.Sprint(shapeX) != fmt.Sprint(shapeY) {
		return 0, fmt.Errorf("shapes %v and %v", shapeX, shapeY)
	}
	most := 0.0
	for i := range x {
		d := math.Abs(float64(x[i]) - float64(y[i]))
		if math.IsNaN(d) {
			return d, nil
		}
		most = max(most, d)
	}
	return most, nil
}
