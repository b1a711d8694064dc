package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/dev/scripttest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"infer": main})
}

func TestScripts(t *testing.T) {
	pth, err := filepath.Abs("../../artifact/pth/testdata/checkpoint_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	cmds := scripttest.Commands()
	cmds["recipe"] = writeRecipe
	cmds["ramp"] = writeRamp
	cmds["savez"] = saveArrays
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PTH", pth)
			env.Setenv("DEPLOY_KERNEL_KEY", "")
			return nil
		},
		Cmds:      cmds,
		Condition: scripttest.Condition,
	})
}

// writeRecipe writes the recipe's weights of a small network, with 5 classes:
// recipe FILE.
func writeRecipe(ts *testscript.TestScript, _ bool, args []string) {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 5})
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(weights.Write(f, golden.StateDict(g)))
	ts.Check(f.Close())
}

// writeRamp writes an array of small numbers: ramp FILE SIDE…
func writeRamp(ts *testscript.TestScript, _ bool, args []string) {
	n, shape := 1, []int(nil)
	for _, arg := range args[1:] {
		side, err := strconv.Atoi(arg)
		ts.Check(err)
		shape = append(shape, side)
		n *= side
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i%7) - 3
	}
	var b bytes.Buffer
	ts.Check(npy.WriteFloat32(&b, shape, data))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// saveArrays writes an archive as numpy.savez does: savez FILE ARRAY.npy…
func saveArrays(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	z := zip.NewWriter(f)
	for _, name := range args[1:] {
		w, err := z.Create(name)
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(f.Close())
}
