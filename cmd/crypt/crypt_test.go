package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/cmd/crypt/internal/command"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/dev/scripttest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"crypt": main})
}

func TestScripts(t *testing.T) {
	pth, err := filepath.Abs("../../artifact/pth/testdata/checkpoint_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	cmds := scripttest.Commands()
	cmds["weights"], cmds["network"] = makeWeights, makeNetwork
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

// makeNetwork writes the golden recipe's weights of a small network: network FILE.
func makeNetwork(ts *testscript.TestScript, _ bool, args []string) {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 5})
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(weights.Write(f, golden.StateDict(g)))
	ts.Check(f.Close())
}

// makeWeights writes files of weights: weights VALUES FILE...
func makeWeights(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i, path := range args[1:] {
		values := make([]float32, n)
		for j := range values {
			values[j] = float32(i*n+j) / 7
		}
		f, err := os.Create(ts.MkAbs(path))
		ts.Check(err)
		ts.Check(weights.Write(f, &weights.StateDict{
			Tensors:  []weights.Tensor{weights.NewFloat32("conv.weight", []int{n}, values)},
			Metadata: map[string]string{"arch": "seresnext50_32x4d", "config": "model:\n  arch: seresnext50_32x4d\n", "epoch": "14"},
		}))
		ts.Check(f.Close())
	}
}

// The test runs each command's examples in a folder with a key, plain files of
// weights and an encrypted file. It renames that file for the examples that need it.
func TestTheExamplesOfTheHelpWork(t *testing.T) {
	pth, err := os.ReadFile("../../artifact/pth/testdata/checkpoint_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 5})
	if err != nil {
		t.Fatal(err)
	}
	root := command.New()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		t.Run(cmd.Name(), func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("third.pth", pth, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"model.safetensors", "other.safetensors"} {
				f, err := os.Create(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := weights.Write(f, golden.StateDict(g)); err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
			if cmd != root && cmd.Name() != "keygen" {
				shell(t, "crypt keygen -o my.key && crypt encrypt --key my.key model.safetensors")
			}
			ran := 0
			for line := range strings.Lines(cmd.Example) {
				if line = strings.TrimSpace(line); strings.Contains(line, "renamed.enc") {
					shell(t, "mv model.safetensors.enc renamed.enc")
				}
				if !strings.Contains(line, "--passphrase") { // which needs a terminal
					shell(t, line)
				}
				ran++
			}
			if ran == 0 {
				t.Errorf("%s has no example", cmd.CommandPath())
			}
		})
	}
}

func shell(t *testing.T, line string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", line).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}
