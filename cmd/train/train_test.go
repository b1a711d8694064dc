package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/dev/scripttest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"train": main})
}

func TestScripts(t *testing.T) {
	cmds := scripttest.Commands()
	cmds["squares"] = writeSquares
	cmds["better"] = better
	cmds["stopped"] = stopped
	cmds["unlabelall"] = unlabelAll
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Cmds:                cmds,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHARED", shared())
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "long":
				return os.Getenv("DEPLOY_KERNEL_LONG") != "", nil
			case "shared":
				return shared() != "", nil
			}
			return scripttest.Condition(cond)
		},
	})
}

// shared returns the folder of the larger reference data, or "" if it is missing.
func shared() string {
	dir := os.Getenv("DEPLOY_KERNEL_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
		return ""
	}
	return dir
}

// A real network with ten interrupts at random steps ends with the same bytes.
func TestTenInterruptsChangeNoByte(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1")
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{"testdata/long/interrupts.txtar"},
		RequireExplicitExec: true,
		Cmds:                map[string]scripttest.Command{"squares": writeSquares, "interrupts": interrupts},
	})
}

// interrupts stops a training at N random moments, and resumes it each time:
// interrupts N COMMAND…
func interrupts(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range n {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
		out, err := cmd.StderrPipe()
		ts.Check(err)
		ts.Check(cmd.Start())
		// It says what it trains on, and then begins.
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.Contains(lines.Text(), "rows to train on") {
		}
		time.Sleep(time.Duration(rng.IntN(900)+50) * time.Millisecond)
		ts.Check(cmd.Process.Signal(os.Interrupt))
		for lines.Scan() {
		}
		_ = cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != 130 {
			ts.Fatalf("exit status %d", status)
		}
		state, err := os.ReadFile(ts.MkAbs("part/f0/checkpoint.safetensors"))
		ts.Check(err)
		at := regexp.MustCompile(`\\"Epoch\\":(\d+),\\"Batch\\":(\d+)`).FindSubmatch(state[:min(len(state), 1<<16)])
		ts.Logf("stopped at epoch %s, batch %s", at[1], at[2])
	}
}

// writeSquares makes N training images of 5 classes, whose labels are their color and
// brightness, and a few test images: squares N.
func writeSquares(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	write := func(name string, data []byte) {
		path := ts.MkAbs(name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, data, 0o644))
	}
	table, sample := "id,attribute_ids\n", "id,attribute_ids\n"
	for i := range n + 4 {
		hue, bright := i%3, i/3%2
		m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
		for k := range 256 {
			c := [3]uint8{uint8(20 + 60*bright), uint8(20 + 60*bright), uint8(20 + 60*bright)}
			c[hue] = uint8(120 + 100*bright + (i*31+k*17)%30)
			m.SetNRGBA(k%16, k/16, color.NRGBA{c[0], c[1], c[2], 255})
		}
		var b bytes.Buffer
		ts.Check(png.Encode(&b, m))
		if id := fmt.Sprintf("s%d-%d", i/4, i%4); i < n {
			write("train/"+id+".png", b.Bytes())
			table += fmt.Sprintf("%s,%d %d\n", id, hue, 3+bright)
		} else {
			write("test/"+id+".png", b.Bytes())
			sample += id + ",0\n"
		}
	}
	write("train.csv", []byte(table))
	write("sample_submission.csv", []byte(sample))
}

// stopped runs a training, interrupts it some seconds after its first message, and fails
// unless it exits with 130: stopped SECONDS COMMAND…
func stopped(ts *testscript.TestScript, _ bool, args []string) {
	wait, err := time.ParseDuration(args[0] + "s")
	ts.Check(err)
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	var stderr bytes.Buffer
	out, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	began := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		stderr.WriteString(lines.Text() + "\n")
		if !began && strings.Contains(lines.Text(), "rows to train on") {
			began = true
			time.Sleep(wait)
			ts.Check(cmd.Process.Signal(os.Interrupt))
		}
	}
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		ts.Fatalf("exit status %d: %s", status, stderr.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), stderr.Bytes(), 0o644))
}

// unlabelAll removes the config from all weights of a folder: `unlabelall FOLDER`.
func unlabelAll(ts *testscript.TestScript, neg bool, args []string) {
	paths, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.safetensors"))
	ts.Check(err)
	for _, path := range paths {
		scripttest.Commands()["unlabel"](ts, neg, []string{path, "config"})
	}
}

// better fails unless the last value of a column is better than a number:
// better RESULTS.csv COLUMN > NUMBER, or <.
func better(ts *testscript.TestScript, _ bool, args []string) {
	rows, err := csv.NewReader(strings.NewReader(ts.ReadFile(args[0]))).ReadAll()
	ts.Check(err)
	for i, name := range rows[0] {
		if name != args[1] {
			continue
		}
		got, err := strconv.ParseFloat(rows[len(rows)-1][i], 64)
		ts.Check(err)
		limit, err := strconv.ParseFloat(args[3], 64)
		ts.Check(err)
		if (args[2] == ">") != (got > limit) || got == limit {
			ts.Fatalf("%s is %v, not %s %v", name, got, args[2], limit)
		}
		return
	}
	ts.Fatalf("%s has no column %s", args[0], args[1])
}
