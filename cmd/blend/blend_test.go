package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/oofgen"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"blend": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"predictions": predictions},
	})
}

// predictions writes made-up predictions of 240 rows and 12 classes in 3 folds,
// as level1_train_m<model>_f<fold>_e1_0.5.npy: predictions DIR MODELS.
func predictions(ts *testscript.TestScript, _ bool, args []string) {
	models, err := strconv.Atoi(args[1])
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	_, err = oofgen.Generate(context.Background(), dir, oofgen.RandomTruth(240, 12, 3, 1), oofgen.Options{Models: models, Seed: 1})
	ts.Check(err)
	files, err := filepath.Glob(filepath.Join(dir, "level1_train_*.npy"))
	ts.Check(err)
	for _, f := range files { // level1_train_m00_f0_e10_0.5444.npy
		base := filepath.Base(f)
		ts.Check(os.Rename(f, filepath.Join(dir, base[:len("level1_train_m00_f0")]+"_e1_0.5.npy")))
	}
}
