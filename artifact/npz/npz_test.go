package npz_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/npz"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// write writes an archive of the members, name by name.
func write(t testing.TB, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func array(t testing.TB, shape []int, data ...float32) string {
	t.Helper()
	var b bytes.Buffer
	if err := npy.WriteFloat32(&b, shape, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestArraysKeepTheirNamesAndOrder(t *testing.T) {
	arrays, err := npz.ReadFile(write(t, "x.npy", array(t, []int{1, 2}, 3, 4), "a.npy", array(t, []int{1}, 5)))
	if got := fmt.Sprint(arrays); err != nil || got != "[{x [1 2] [3 4]} {a [1] [5]}]" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOtherArchivesAreRefused(t *testing.T) {
	many := []string{}
	for i := range 65 {
		many = append(many, fmt.Sprintf("%d.npy", i), "")
	}
	for want, path := range map[string]string{
		`it holds "notes.txt", which is no array`: write(t, "notes.txt", "hello"),
		"it holds 65 arrays, more than 64":        write(t, many...),
		"x.npy: reading npy":                      write(t, "x.npy", "no array"),
		"as an .npz archive":                      "npz_test.go",
		"no such file":                            "nobody.npz",
	} {
		if _, err := npz.ReadFile(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
