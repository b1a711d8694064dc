package rehearsal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/blend/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/cmd/deploy-kernel/internal/deploy"
	"github.com/deploy-kernel/deploy-kernel/cmd/deploy-kernel/internal/simulate"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/golden"
	"github.com/deploy-kernel/deploy-kernel/internal/plan"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

const (
	images    = 200
	timeLimit = 10 * time.Minute
)

func TestSevenNetworksOfFiveFoldsInTenMinutes(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 for the rehearsal, which takes 20 minutes")
	}
	ensemble := golden.Shared(t, "data/imet/best_ensemble_val_0.6397_lb_651.yml")
	configs := golden.Shared(t, "data/imet/config")
	emoji := golden.Shared(t, "data/emoji/train")
	dir := t.TempDir()
	models, data := filepath.Join(dir, "models"), filepath.Join(dir, "data")
	for _, d := range []string{models, filepath.Join(data, "test")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeWeights(t, ensemble, configs, models)
	writeData(t, emoji, data)
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	folder := filepath.Join(dir, "deploy")
	manifest, err := deploy.Deploy(t.Context(), deploy.Options{
		Ensemble: ensemble, Output: folder, Owner: "you", Key: key, Budget: deploy.Budget(9 * time.Hour), Input: data,
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
	var log strings.Builder
	r, err := simulate.Run(context.WithoutCancel(t.Context()), simulate.Options{
		Folder: folder, Data: data, Limit: timeLimit, Stderr: &log,
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
	if used := r.Took.Seconds() / deploy.Budget(timeLimit).Seconds(); used < 0.9 {
		t.Errorf("%.0f %% of the budget was used", 100*used)
	}
}

// writeWeights makes the recipe's weights of every fold of the ensemble: the
// folds of a model differ only in what the files say of themselves.
func writeWeights(t *testing.T, ensemble, configs, dir string) {
	t.Helper()
	text, err := os.ReadFile(ensemble)
	if err != nil {
		t.Fatal(err)
	}
	members, err := ensemblefile.Read(ensemble, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		var dict *weights.StateDict
		for _, predict := range m.Predicts {
			name, err := ensemblefile.ParseName(predict)
			if err != nil {
				t.Fatal(err)
			}
			if dict == nil {
				dict = stateDict(t, filepath.Join(configs, name.Config+".yml"))
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

func stateDict(t *testing.T, path string) *weights.StateDict {
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
	dict, seen := golden.StateDict(g), map[string]bool{}
	dict.Tensors = slices.DeleteFunc(dict.Tensors, func(w weights.Tensor) bool { // some are used twice
		again := seen[w.Name]
		seen[w.Name] = true
		return again
	})
	return dict
}

// writeData copies the first images, with a sample submission that names them.
func writeData(t *testing.T, from, to string) {
	t.Helper()
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
		if err := os.WriteFile(filepath.Join(to, "test", e.Name()), b, 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sample, "%s,0\n", strings.TrimSuffix(e.Name(), ".png"))
	}
	if err := os.WriteFile(filepath.Join(to, "sample_submission.csv"), []byte(sample.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
