package bundler_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/bundler"
)

// selfMain is a program that bundles itself. It exists in an overlay only.
const selfMain = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/bundler"
)

// main bundles the package in the folder os.Args[1], whose only file is
// os.Args[2].
func main() {
	src, err := os.ReadFile(os.Args[2])
	if err == nil {
		var res *bundler.Result
		res, err = bundler.Bundle(context.Background(), bundler.Options{
			Package: os.Args[1],
			Dir:     os.Args[3],
			Overlay: map[string][]byte{os.Args[1] + "/main.go": src},
		})
		if err == nil {
			_, err = os.Stdout.Write(res.Source)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`

func TestTheBundledBundlerBundlesItselfToTheSameBytes(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "bundler", "internal", "self")
	res, err := bundler.Bundle(context.Background(), bundler.Options{
		Dir: root, Package: folder,
		Overlay: map[string][]byte{filepath.Join(folder, "main.go"): []byte(selfMain)},
	})
	if err != nil {
		t.Fatal(message(err))
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(selfMain), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(buildAlone(t, res.Source, nil), folder, file, root)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	again, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if !bytes.Equal(again, res.Source) {
		t.Errorf("the bundled bundler gives %d bytes, the bundler %d", len(again), len(res.Source))
	}
}
