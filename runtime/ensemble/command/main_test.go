package command_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/command"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/rogpeppe/go-internal/testscript"
)

// kernel is the main function of a kernel. Its plan and key are in the environment.
func kernel() {
	text, err := os.ReadFile(os.Getenv("PLAN"))
	var plan ensemble.Plan
	if err == nil {
		err = json.Unmarshal(text, &plan)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	command.Main(&plan, []arch.Arch{ensembletest.Tiny}, engine.Operations(), formats.All(), os.Getenv("BUILT_IN_KEY"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kernel": kernel})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			w := ensembletest.New(t, 6)
			must(t, os.Rename(w.Root, filepath.Join(e.WorkDir, "input")))
			text, err := json.Marshal(w.Plan)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(e.WorkDir, "plan.json"), text, 0o644))
			must(t, os.WriteFile(filepath.Join(e.WorkDir, "kernel.key"), []byte(w.Key.Text()+"\n"), 0o600))
			must(t, os.MkdirAll(filepath.Join(e.WorkDir, "working"), 0o755))
			e.Setenv("PLAN", filepath.Join(e.WorkDir, "plan.json"))
			e.Setenv("BUILT_IN_KEY", w.Key.Text())
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("SECRET", strings.Split(w.Key.Text(), ":")[1])
			e.Cd = filepath.Join(e.WorkDir, "working")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"flip": flipBit},
	})
}

// flipBit FILE changes one bit in the middle of a file.
func flipBit(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	b[len(b)/2] ^= 4
	ts.Check(os.WriteFile(path, b, 0o644))
}
