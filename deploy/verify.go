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

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// tolerance is how far predictions may lie apart where the program was built
// for other kernels than this one: sums of float32 in another order.
const tolerance = 1e-3

// verify runs the program as Kaggle would find it, on two images, and the same
// plan in this process, and compares what they write. With the same kernels
// both must write the same bytes.
func (s *state) verify(ctx context.Context) error {
	root := filepath.Join(s.work, "check")
	inputs := filepath.Join(root, "input")
	if err := s.mount(filepath.Join(inputs, "datasets", s.Owner)); err != nil {
		return err
	}
	if err := s.images(ctx, filepath.Join(inputs, "competitions", "check")); err != nil {
		return err
	}
	bundled, unbundled := filepath.Join(root, "working"), filepath.Join(root, "unbundled")
	for _, dir := range []string{bundled, unbundled} {
		if err := os.MkdirAll(filepath.Join(dir, "predictions"), 0o755); err != nil {
			return err
		}
	}
	if err := s.runProgram(ctx, bundled); err != nil {
		return err
	}
	o := predict.Options{
		Archs: arch.All(), Formats: formats.All(), Input: inputs,
		Output: filepath.Join(unbundled, "submission.csv"), Predictions: filepath.Join(unbundled, "predictions"),
	}
	if s.KeyPlace == InEnvironment || s.KeyPlace == InKernel {
		o.Key = &s.Key
	}
	if _, err := predict.Run(ctx, s.built.Plan, o); err != nil {
		return fmt.Errorf("predicting two images with the unbundled runtime: %w", err)
	}
	return s.compare(bundled, unbundled)
}

// mount links the datasets below dir, as Kaggle mounts them.
func (s *state) mount(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	stage, err := filepath.Abs(s.stage)
	if err != nil {
		return err
	}
	for _, d := range s.datasets {
		if err := os.Symlink(filepath.Join(stage, d.Folder), filepath.Join(dir, filepath.Base(d.ID))); err != nil {
			return err
		}
	}
	return nil
}

// runProgram runs the program in the working folder, as the script would.
func (s *state) runProgram(ctx context.Context, working string) error {
	program := filepath.Join(s.work, "alone", ProgramName)
	cmd := exec.CommandContext(ctx, program, "--predictions", "predictions", "--output", "submission.csv")
	cmd.Dir = working
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DEPLOY_KERNEL_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	if s.KeyPlace == InEnvironment {
		cmd.Env = append(cmd.Env, "DEPLOY_KERNEL_KEY="+s.Key.Text())
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

// compare compares the two runs' predictions and submissions.
func (s *state) compare(bundled, unbundled string) error {
	same := s.Target == ownTarget
	for _, w := range s.built.Weights {
		name := filepath.Join("predictions", "level1_test_"+w.Name+".npy")
		a, err := os.ReadFile(filepath.Join(bundled, name))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(unbundled, name))
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
		if same || !(d <= tolerance) {
			return hint.New(fmt.Errorf("the kernel predicts otherwise than the unbundled runtime: %s differs by %.3g", w.Name, d),
				"this is a fault in deploy-kernel; nothing was written")
		}
	}
	if !same {
		return nil // labels may fall to either side where a sum is nearly 0
	}
	a, err := os.ReadFile(filepath.Join(bundled, "submission.csv"))
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(unbundled, "submission.csv"))
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return hint.New(fmt.Errorf("the kernel's submission differs from the unbundled runtime's:\n%s\nagainst\n%s", a, b),
			"this is a fault in deploy-kernel; nothing was written")
	}
	return nil
}

// distance returns the largest difference of two .npy files' elements.
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
