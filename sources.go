// Package deploykernel embeds the sources that kernels are built from. An installed
// deploy-kernel needs only a Go toolchain to make kernels, in any folder and offline.
//
//	err := deploykernel.WriteModule(dir) // go.mod, runtime/..., crypt/..., vendor/...
//
// The module that it writes builds offline. It imports the standard library, and for rare
// image formats packages of golang.org/x/image, which are in its vendor folder. It holds
// no tests and no packages that kernels can't use.
package deploykernel

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Path is the module path.
const Path = "github.com/deploy-kernel/deploy-kernel"

//go:embed runtime/*/*.go runtime/ensemble/*/*.go runtime/simd/*/*.go runtime/vision/*/*.go crypt/*.go crypt/internal/*/*.go
//go:embed internal/hint/*.go internal/hugepage/*.go
var sources embed.FS

// vendored holds the packages of other modules that runtime/... imports, and their
// licenses, as files below vendor/. A test compares it with the versions in go.mod;
// -update renews it.
//
//go:embed third_party/vendor.txtar
var vendored []byte

// WriteModule writes the module to the existing folder dir.
func WriteModule(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), module(), 0o644); err != nil {
		return fmt.Errorf("writing the runtime's sources: %w", err)
	}
	err := fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, b, 0o644)
	})
	if err == nil {
		err = writeVendored(dir)
	}
	if err != nil {
		return fmt.Errorf("writing the runtime's sources: %w", err)
	}
	return nil
}

// writeVendored writes the vendor folder to dir.
func writeVendored(dir string) error {
	for _, f := range txtar.Parse(vendored).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// GoVersion is the oldest version of Go that builds kernels. The commands need a newer
// one, because of modules that they use.
const GoVersion = "1.25"

// module returns a go.mod with the module's path, the Go version of kernels, and the
// modules of the vendor folder as requirements.
func module() []byte {
	mod := fmt.Appendf(nil, "module %s\n\ngo %s.0\n", Path, GoVersion)
	for s := bufio.NewScanner(bytes.NewReader(txtar.Parse(vendored).Comment)); s.Scan(); {
		if s.Text() != "" {
			mod = fmt.Appendf(mod, "\nrequire %s\n", s.Text())
		}
	}
	return mod
}
