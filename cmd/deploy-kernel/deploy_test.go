package main

import (
	"os"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/scripttest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"deploy-kernel": main, "kaggle": fakeKaggle})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Setup:               setup,
		Cmds:                scripttest.Commands(),
		Condition:           scripttest.Condition,
	})
}

// setup gives the scripts the user's Go caches, which save time.
func setup(env *testscript.Env) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	env.Setenv("GOCACHE", cache+"/go-build")
	if dir := os.Getenv("GOCACHE"); dir != "" {
		env.Setenv("GOCACHE", dir)
	}
	env.Setenv("DEPLOY_KERNEL_KEY", "")
	env.Setenv("KAGGLE_USERNAME", "")
	return nil
}
