// Package deploykernel carries the sources of what kernels are made of, so that
// an installed deploy-kernel makes kernels in any folder, offline, with a Go
// toolchain and nothing else.
//
//	err := deploykernel.WriteModule(dir) // go.mod, runtime/..., crypt/..., vendor/...
//
// The module it writes builds offline. It needs the standard library, and for
// the rarer image formats the packages of golang.org/x/image in its vendor
// folder. Tests, and packages that no kernel uses, are not in it.
package deploykernel

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Path is the module path.
const Path = "github.com/deploy-kernel/deploy-kernel"

//go:embed go.mod runtime/*/*.go runtime/ensemble/*/*.go runtime/vision/*/*.go crypt/*.go crypt/internal/*/*.go
//go:embed internal/hint/*.go internal/hugepage/*.go
var sources embed.FS

// vendored holds the packages of other modules that runtime/... imports, and
// their licenses, as vendor/... paths. The tests of this package compare it with
// the versions in go.mod; -update renews it.
//
//go:embed third_party/vendor.txtar
var vendored []byte

// Sources returns the files of the module that WriteModule writes, except its
// go.mod. Nobody may change them.
func Sources() fs.FS { return sources }

// WriteModule writes the module to the folder dir.
func WriteModule(dir string) error {
	mod, err := module()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644); err != nil {
		return fmt.Errorf("writing the runtime's sources: %w", err)
	}
	err = fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
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

// GoVersion returns the version of Go that kernels need at least, e.g. "1.26.0".
func GoVersion() (string, error) {
	mod, err := sources.ReadFile("go.mod")
	if err != nil {
		return "", fmt.Errorf("reading the module's go.mod: %w", err)
	}
	for s := bufio.NewScanner(bytes.NewReader(mod)); s.Scan(); {
		if version, ok := strings.CutPrefix(s.Text(), "go "); ok {
			return version, nil
		}
	}
	return "", errors.New("reading the module's go.mod: it has no go line")
}

// module returns a go.mod with the module's path, its language version, and
// the modules in the vendor folder as its only requirements.
func module() ([]byte, error) {
	version, err := GoVersion()
	if err != nil {
		return nil, err
	}
	mod := fmt.Appendf(nil, "module %s\n\ngo %s\n", Path, version)
	for s := bufio.NewScanner(bytes.NewReader(txtar.Parse(vendored).Comment)); s.Scan(); {
		if s.Text() != "" {
			mod = fmt.Appendf(mod, "\nrequire %s\n", s.Text())
		}
	}
	return mod, nil
}
