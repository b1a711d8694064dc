package modelspec_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
)

func TestTheConfigBesideTheWeightsIsFound(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"models/a.yml", "models/b.yaml", "runs/a/f0/config.yml", "runs/a/f0/last/x"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for weights, want := range map[string]string{
		"models/a_f0_e1_0.5.pth":                 "models/a.yml",
		"models/b_f0_e1_0.5.safetensors":         "models/b.yaml",
		"models/c_f0_e1_0.5.pth":                 "",
		"runs/a/f0/a_f0_e1_0.5.safetensors":      "runs/a/f0/config.yml",
		"runs/a/f0/last/a_f0_e1_0.5.safetensors": "runs/a/f0/config.yml",
		"models/unnamed.pth":                     "",
	} {
		if got, ok := modelspec.Beside(weights); got != filepath.FromSlash(want) || ok != (want != "") {
			t.Errorf("Beside(%q) = %q, %v; want %q", weights, got, ok, want)
		}
	}
}
