// Package scripttest adds commands and conditions to the scripts that test the commands.
//
//	testscript.Run(t, testscript.Params{
//		Cmds:      scripttest.Commands(),
//		Condition: scripttest.Condition,
//	})
//
// The commands are
//
//	demo IMAGES            make dev/demodata's data and ensemble here
//	flip FILE OFFSET       change a bit; an offset below zero counts from the end
//	cutto FILE SIZE        keep the first bytes of a file
//	key FILE               make a key
//	encrypt KEY OUT FILE…  encrypt files into the folder OUT
//	alien FILE LIKE        make FILE weights of another architecture with the
//	                       metadata of the weights LIKE
//	unlabel FILE KEY…      remove metadata from weights
//	onnx WEIGHTS FILE      export weights as an ONNX model
//	secret FILE            fail if the last command printed the key in FILE
//
// The condition [tmpfs] is true if `unshare -rm` can mount small file systems.
package scripttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/rogpeppe/go-internal/testscript"
)

// Command is a command of a script.
type Command = func(ts *testscript.TestScript, neg bool, args []string)

// Commands returns the commands by name. The caller may add to the map.
func Commands() map[string]Command {
	return map[string]Command{
		"demo":    writeDemo,
		"flip":    flip,
		"cutto":   cutTo,
		"key":     newKey,
		"encrypt": encrypt,
		"alien":   alien,
		"unlabel": unlabel,
		"onnx":    exportONNX,
		"secret":  secret,
	}
}

// Condition evaluates the conditions of scripts.
func Condition(cond string) (bool, error) {
	if cond == "tmpfs" {
		return exec.Command("unshare", "-rm", "true").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

func writeDemo(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	_, err = demodata.Write(ts.MkAbs("."), demodata.Options{Images: n})
	ts.Check(err)
}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	i, err := strconv.Atoi(args[1])
	ts.Check(err)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 1
	ts.Check(os.WriteFile(path, b, 0o644))
}

func cutTo(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(n)))
}

func newKey(ts *testscript.TestScript, _ bool, args []string) {
	key, err := crypt.NewKey()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(key.Text()+"\n"), 0o600))
}

func encrypt(ts *testscript.TestScript, _ bool, args []string) {
	key, err := crypt.ParseKey(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs(args[1]), 0o755))
	for _, path := range args[2:] {
		name := filepath.Base(path)
		var b bytes.Buffer
		w, err := crypt.NewWriter(&b, key, name)
		ts.Check(err)
		_, err = w.Write([]byte(ts.ReadFile(path)))
		ts.Check(err)
		ts.Check(w.Close())
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[1]), name+crypt.Ext), b.Bytes(), 0o644))
	}
}

func readWeights(ts *testscript.TestScript, path string) *weights.StateDict {
	text := ts.ReadFile(path)
	f, err := weights.Open(strings.NewReader(text), int64(len(text)))
	ts.Check(err)
	dict, err := f.StateDict()
	ts.Check(err)
	return dict
}

func writeWeights(ts *testscript.TestScript, path string, dict *weights.StateDict) {
	var b bytes.Buffer
	ts.Check(weights.Write(&b, dict))
	ts.Check(os.WriteFile(ts.MkAbs(path), b.Bytes(), 0o644))
}

func exportONNX(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	f, err := weights.Open(strings.NewReader(text), int64(len(text)))
	ts.Check(err)
	g, a, err := network.Of(f, network.Choice{})
	ts.Check(err)
	var b bytes.Buffer
	ts.Check(onnx.Write(&b, g, f, onnx.Options{Metadata: map[string]string{
		"mean": strings.Trim(fmt.Sprint(a.Mean), "[]"), "std": strings.Trim(fmt.Sprint(a.Std), "[]"),
	}}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o644))
}

func alien(ts *testscript.TestScript, _ bool, args []string) {
	g, err := arch.CIFARResNet56.Build(arch.Config{InputSize: 32, Classes: len(demodata.Classes)})
	ts.Check(err)
	dict := golden.StateDict(g)
	dict.Metadata = readWeights(ts, args[1]).Metadata
	writeWeights(ts, args[0], dict)
}

func unlabel(ts *testscript.TestScript, _ bool, args []string) {
	dict := readWeights(ts, args[0])
	for _, key := range args[1:] {
		delete(dict.Metadata, key)
	}
	writeWeights(ts, args[0], dict)
}

func secret(ts *testscript.TestScript, _ bool, args []string) {
	_, text, _ := strings.Cut(strings.TrimSpace(ts.ReadFile(args[0])), ":")
	if text == "" || strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), text[:10]) {
		ts.Fatalf("the key was printed")
	}
}
