package textfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
)

func TestWhatIsNoYAMLIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"model: {arch: resnet18}\n":         "",
		"- predicts: [a, b]\n  weight: 1\n": "",
		"# a, b\nmodel:\n":                  "",
		"":                                  "",
		"id,attribute_ids\na,1 2\nb,3\n":    "a table (CSV)",
		"\x08\x00\x00\x00\x00\x00\x00\x00{\"a\":1}  xx": "a file of safetensors weights",
		"PK\x03\x04abc":         "a file of PyTorch weights, or another zip archive",
		"\x80\x02}q\x00":        "a file of PyTorch weights, or another pickle",
		"\x93NUMPY\x01\x00":     "a NumPy array",
		"\x89PNG\r\n":           "a PNG image",
		"abc\x00def":            "no text",
		"caf\xe9":               "no text",
		"<!DOCTYPE html><html>": "a web page",
		"version https://git-lfs.github.com/spec/v1\n": "a Git LFS pointer, in place of the file itself",
	} {
		if got := textfile.Kind([]byte(text)); got != want {
			t.Errorf("Kind(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestErrorsAreShortForAnyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "big.yml")
	if err := os.WriteFile(path, []byte(strings.Repeat("wörd ", 1<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, dir, filepath.Join(dir, "none.yml")} {
		_, err := textfile.Read(p, "a config")
		if err == nil || len(err.Error()) > 100+len(p) {
			t.Errorf("error %v", err)
		}
	}
	if got := textfile.Short("a  b\n" + strings.Repeat("x", 100)); got != "a b "+strings.Repeat("x", 35)+"…" {
		t.Errorf("Short = %q", got)
	}
}
