package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/dev/scripttest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
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
