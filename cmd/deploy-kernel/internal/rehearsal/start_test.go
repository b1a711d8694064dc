package rehearsal_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/deploy-kernel/internal/deploy"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/golden"
	"github.com/deploy-kernel/deploy-kernel/internal/plan"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// How long a kernel of a 200 MB model takes from its start to the submission of
// one image, and of what that time is made.
func TestTimeToTheFirstPrediction(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 to measure at full size")
	}
	configs := golden.Shared(t, "data/imet/config")
	dir := t.TempDir()
	data := filepath.Join(dir, "input", "data")
	writeData(t, data, 2)
	ensemble := filepath.Join(dir, "one_of_35.yml")
	if err := os.WriteFile(ensemble, []byte("- predicts: [level1_train_2o_se_resnext101_def_aug_f0_e30_0.5994.npy]\n  weight: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	writeWeights(t, ensemble, configs, dir)
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "input", "deploy")
	m, err := deploy.Deploy(t.Context(), deploy.Options{
		Ensemble: ensemble, Output: folder, Owner: "you", Key: key,
		Plan: plan.Options{Weights: []string{dir}, Configs: []string{configs}},
	})
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "kernel")
	b, err := os.ReadFile(filepath.Join(folder, "program", deploy.ProgramName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cmd := exec.Command(program, "--input", filepath.Join(dir, "input"), "--limit", "1", "--scratch=", "--output", filepath.Join(dir, "s.csv"))
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("one image: %.2f s, %.2f s of processors", time.Since(start).Seconds(), cpu.Seconds())
	}
	parts(t, filepath.Join(folder, "weights", m.Datasets[1].Files[0].Name), key)
}

// parts measures what a kernel does before its first prediction.
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
