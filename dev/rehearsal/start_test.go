package rehearsal_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// It logs how long a kernel with 200 MB of weights takes to predict one image, and the
// parts of that time.
func TestTimeToTheFirstPrediction(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 to measure at full size")
	}
	d := deployed(t, "level1_train_2o_se_resnext101_def_aug_f0_e30_0.5994")
	for range 3 {
		cmd := d.command("--limit", "1")
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("one image: %.2f s, %.2f s of processors", time.Since(start).Seconds(), cpu.Seconds())
	}
	parts(t, d.weights[0], d.key)
}

// deployment is a kernel with its input folder.
type deployment struct {
	dir, program string
	key          crypt.Key
	weights      []string // the encrypted files
}

// deployed deploys an ensemble of these folds at full size, beside real images.
func deployed(t *testing.T, folds ...string) *deployment {
	t.Helper()
	configs := golden.Shared(t, "data/imet/config")
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	d := &deployment{dir: t.TempDir(), key: key}
	data, dir := filepath.Join(d.dir, "input", "data"), filepath.Join(d.dir, "input", "deploy")
	writeData(t, data, 64)
	ensemble, text := filepath.Join(d.dir, "some_of_35.yml"), ""
	for _, fold := range folds {
		text += fmt.Sprintf("- predicts: [%s.npy]\n  weight: 1\n", fold)
	}
	if err := os.WriteFile(ensemble, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	writeWeights(t, ensemble, configs, d.dir)
	m, err := deploy.Deploy(t.Context(), deploy.Options{
		Ensemble: ensemble, Output: dir, Owner: "you", Key: key,
		Plan: plan.Options{Weights: []string{d.dir}, Configs: []string{configs}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Datasets[1].Files {
		d.weights = append(d.weights, filepath.Join(dir, "weights", f.Name))
	}
	b, err := os.ReadFile(filepath.Join(dir, "program", folder.ProgramName))
	if err != nil {
		t.Fatal(err)
	}
	d.program = filepath.Join(d.dir, "kernel")
	if err := os.WriteFile(d.program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return d
}

// command returns the command that runs the kernel.
func (d *deployment) command(args ...string) *exec.Cmd {
	return exec.Command(d.program, append([]string{"--input", filepath.Join(d.dir, "input"), "--scratch=", "--output", filepath.Join(d.dir, "s.csv")}, args...)...)
}

// parts logs the time of each step before a kernel's first prediction.
func parts(t *testing.T, path string, key crypt.Key) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	last := time.Now()
	lap := func(what string) {
		t.Logf("%-28s %.3f s", what, time.Since(last).Seconds())
		last = time.Now()
	}
	r, err := crypt.NewReaderAt(f, info.Size(), key, crypt.Name(path))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := r.ReadAll(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	lap("reading and decrypting")
	_ = sha256.Sum256(plain)
	lap("SHA-256")
	w, err := weights.Open(bytes.NewReader(plain), int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := arch.Find(arch.All(), "seresnext101_32x4d")
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Build(arch.Config{InputSize: 288, Classes: 1103, Dropout: 0.3, Keys: w.Has})
	if err != nil {
		t.Fatal(err)
	}
	last = time.Now()
	e, err := engine.Compile(g, w, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lap("making the network")
	if err := e.Predict(t.Context(), make([]float32, 2*3*288*288), make([]float32, 2*1103)); err != nil {
		t.Fatal(err)
	}
	lap("predicting two views")
	t.Logf("%d MB of weights", len(plain)/1e6)
}
