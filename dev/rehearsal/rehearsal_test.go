package rehearsal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/deploy/simulate"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

const (
	folds     = 35
	timeLimit = 10 * time.Minute
	memory    = 8_000_000_000
	maxSource = 1_000_000
)

func TestSevenNetworksOfFiveFoldsRunAsOnKaggle(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 for the rehearsal, which takes 20 minutes")
	}
	deployed := deployAll(t)
	t.Run("one file", func(t *testing.T) { inspect(t, deployed) })
	t.Run("three images with all folds", func(t *testing.T) {
		r, log := run(t, deployed, 3, memory)
		if whole := fmt.Sprintf("3 images, %d of %d folds", folds, folds); !strings.Contains(log, whole) {
			t.Errorf("not %s", whole)
		}
		if r.Peak > memory {
			t.Errorf("%d MB resident", r.Peak/1e6)
		}
	})
	t.Run("200 images in ten minutes", func(t *testing.T) {
		r, _ := run(t, deployed, 200, simulate.DefaultMemory)
		if used := r.Took.Seconds() / deploy.Budget(timeLimit).Seconds(); used < 0.9 {
			t.Errorf("%.0f %% of the budget was used", 100*used)
		}
	})
}

// deployAll deploys the ensemble and returns the folder.
func deployAll(t *testing.T) string {
	t.Helper()
	ensemble := golden.Shared(t, "data/imet/best_ensemble_val_0.6397_lb_651.yml")
	configs := golden.Shared(t, "data/imet/config")
	dir := t.TempDir()
	models, data := filepath.Join(dir, "models"), filepath.Join(dir, "data")
	if err := os.Mkdir(models, 0o755); err != nil {
		t.Fatal(err)
	}
	writeWeights(t, ensemble, configs, models)
	writeData(t, data, 2)
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	deployed := filepath.Join(dir, "deploy")
	manifest, err := deploy.Deploy(t.Context(), deploy.Options{
		Ensemble: ensemble, Output: deployed, Owner: "you", Key: key, Budget: deploy.Budget(9 * time.Hour), Input: data,
		Plan: plan.Options{Weights: []string{models}, Configs: []string{configs}, Cuts: true, Warn: func(s string) { t.Log(s) }},
		Step: func(s string) { t.Logf("%4.0f s  %s", time.Since(start).Seconds(), s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range manifest.Datasets {
		t.Logf("%s: %d files, %d MB", d.Folder, len(d.Files), d.Size()/1e6)
	}
	os.RemoveAll(models)
	return deployed
}

// inspect checks the size of kernel.go, and that it holds only the ensemble's
// architectures. It logs the time of compilation.
func inspect(t *testing.T, deployed string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(deployed, folder.KernelGo))
	if err != nil {
		t.Fatal(err)
	}
	if len(source) >= maxSource {
		t.Errorf("%s has %d bytes", folder.KernelGo, len(source))
	}
	// seresnext50_32x4d has two layouts. The names of the tensors decide when it is built.
	used := []string{"seresnext50_32x4d", "senet_se_resnext50_32x4d", "seresnext101_32x4d", "cbam_resnet50", "pnasnet5large"}
	for _, a := range arch.All() {
		if has := bytes.Contains(source, []byte(strconv.Quote(a.Name))); has != slices.Contains(used, a.Name) {
			t.Errorf("%s is in %s: %v", a.Name, folder.KernelGo, has)
		}
	}
	cache := t.TempDir()
	cold := compile(t, cache, source)
	warm := compile(t, cache, append(source, "\n// changed\n"...))
	t.Logf("%s: %d bytes, compiled with the standard library in %.1f s, alone in %.1f s", folder.KernelGo, len(source), cold.Seconds(), warm.Seconds())
}

// compile builds a kernel as kernel.py does, with the given build cache, and returns the
// time.
func compile(t *testing.T, cache string, source []byte) time.Duration {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, folder.KernelGo), source, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", folder.KernelGo)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "GOEXPERIMENT=",
		"CGO_ENABLED=0", "GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off", "GOOS=linux", "GOARCH=amd64")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return time.Since(start)
}

// run runs the folder as Kaggle would on a number of images.
func run(t *testing.T, deployed string, images int, memory int64) (*simulate.Report, string) {
	t.Helper()
	data := t.TempDir()
	writeData(t, data, images)
	var log strings.Builder
	r, err := simulate.Run(context.WithoutCancel(t.Context()), simulate.Options{
		Folder: deployed, Data: data, Limit: timeLimit, Memory: memory, Stderr: &log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", log.String())
	t.Logf("status %d, %v of %v, %d MB resident, %d rows, %d with labels, without %q, problems %q",
		r.Status, r.Took.Round(time.Second), r.Limit, r.Peak/1e6, r.Rows, r.Given, r.Lacks, r.Problems)
	if len(r.Problems) > 0 || r.Rows != images || r.Took > timeLimit {
		t.Error("it would fail on Kaggle")
	}
	return r, log.String()
}

// writeWeights writes the recipe's weights of every fold of the ensemble. The folds of a
// model differ only in their metadata.
func writeWeights(t *testing.T, ensemble, configs, dir string) {
	t.Helper()
	text, err := os.ReadFile(ensemble)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ensemblefile.Read(ensemble, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range e.Members {
		var dict *weights.StateDict
		for _, predict := range m.Predicts {
			name, err := ensemblefile.ParseName(predict)
			if err != nil {
				t.Fatal(err)
			}
			if dict == nil {
				dict = golden.StateDict(graph(t, filepath.Join(configs, name.Config+".yml")))
			}
			dict.Metadata = map[string]string{"fold": strconv.Itoa(name.Fold), "epoch": strconv.Itoa(name.Epoch), "threshold": "0.4"}
			f, err := os.Create(filepath.Join(dir, name.Model()+".safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			if err := weights.Write(f, dict); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// graph builds the network of a config.
func graph(t *testing.T, path string) *nn.Graph {
	t.Helper()
	c, _, err := config.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := arch.Find(arch.All(), c.Model.Arch)
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Build(arch.Config{InputSize: c.Model.InputSize, Classes: c.Model.NumClasses, Dropout: c.Model.Dropout})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// writeData copies the first images and writes a sample submission that names them.
func writeData(t *testing.T, dir string, images int) {
	t.Helper()
	from := golden.Shared(t, "data/emoji/train")
	if err := os.MkdirAll(filepath.Join(dir, "test"), 0o755); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	var sample strings.Builder
	sample.WriteString("id,attribute_ids\n")
	for _, e := range entries[:images] {
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "test", e.Name()), b, 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sample, "%s,0\n", strings.TrimSuffix(e.Name(), ".png"))
	}
	if err := os.WriteFile(filepath.Join(dir, "sample_submission.csv"), []byte(sample.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
