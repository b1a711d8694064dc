// Command bundlerbench measures how time and memory of the bundler grow with the size of
// a program.
//
//	go run ./dev/bundlerbench                   # all kinds
//	go run ./dev/bundlerbench -kinds "embedded files" -compile
//	go run ./dev/bundlerbench -program DIR      # a real program
//
// It makes programs of one kind in growing sizes, bundles each in a process of its own,
// and prints a table in the form of docs/performance.md. CPU time and largest resident
// memory count the bundler, without the go command that it runs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/deploy-kernel/deploy-kernel/dev/usage"
)

func main() {
	kinds := flag.String("kinds", "", "the `KINDS` to measure, separated by commas; all if empty")
	compile := flag.Bool("compile", false, "compile the bundles too, and format them with gofmt")
	program := flag.String("program", "", "measure the program in this `DIR` instead")
	scale := flag.Int("scale", 1, "multiply all sizes by this")
	child := flag.String("child", "", "bundle the program in this folder and print figures; the command starts itself so")
	profile := flag.String("memprofile", "", "with -child, write a heap profile at each stage to `PREFIX`-stage")
	output := flag.String("o", "", "with -child, write the bundle to this `FILE`")
	minify := flag.Bool("minify", false, "minify the bundles")
	cpuprofile := flag.String("cpuprofile", "", "with -child, write a CPU profile to this `FILE`")
	flag.Parse()
	var err error
	if *cpuprofile != "" {
		f, err := os.Create(*cpuprofile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
			defer pprof.StopCPUProfile()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bundlerbench:", err)
			os.Exit(1)
		}
	}
	switch {
	case *child != "":
		err = bundleOne(*child, *output, *profile, *minify)
	case *program != "":
		err = measureProgram(*program, *compile)
	default:
		err = measureKinds(*kinds, *scale, *compile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bundlerbench:", err)
		pprof.StopCPUProfile()
		os.Exit(1)
	}
}

// figures are the costs of one bundle.
type figures struct {
	CPU, Wall float64 // seconds of the bundler
	Memory    int64   // bytes, the largest
	Bytes     int     // of the bundle
	Gofmt     float64 // CPU seconds
	Build     float64
}

// bundleOne bundles and prints the figures of this process.
func bundleOne(dir, output, profile string, minify bool) error {
	debug.SetGCPercent(40) // as the command bundle does
	start := time.Now()
	stage := 0
	progress := func(doing string) {
		if profile == "" {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintf(os.Stderr, "%6.1f s  heap %5d MB  system %5d MB  %s\n", time.Since(start).Seconds(), m.HeapAlloc>>20, m.Sys>>20, doing)
		if f, err := os.Create(fmt.Sprintf("%s-%02d", profile, stage)); err == nil {
			_ = pprof.Lookup("heap").WriteTo(f, 0)
			f.Close()
		}
		stage++
	}
	res, err := bundler.Bundle(context.Background(), bundler.Options{Dir: dir, Minify: minify, Progress: progress})
	if err != nil {
		return err
	}
	progress("done")
	if output != "" {
		if err := os.WriteFile(output, res.Source, 0o644); err != nil {
			return err
		}
	}
	cpu, peak := usage.Self()
	return json.NewEncoder(os.Stdout).Encode(figures{
		CPU: cpu.Seconds(), Wall: time.Since(start).Seconds(), Memory: peak, Bytes: len(res.Source),
	})
}

// measure bundles the program in dir in another process.
func measure(dir string, compile bool) (f figures, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	work, err := os.MkdirTemp("", "bundler-bench-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(work)
	file := filepath.Join(work, "kernel.go")
	// Fill the build cache first: the bundler's time excludes compilation.
	if out, err := command(dir, "go", "list", "-deps", "-export", ".").CombinedOutput(); err != nil {
		return f, fmt.Errorf("go list: %w\n%s", err, out)
	}
	cmd := command(dir, self, "-child", dir, "-o", file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(out, &f); err != nil || !compile {
		return f, err
	}
	gofmt := command(work, "gofmt", "-l", file)
	if out, err := gofmt.CombinedOutput(); err != nil || len(out) > 0 {
		return f, errors.Join(err, fmt.Errorf("gofmt -l: %s", out))
	}
	f.Gofmt = cpu(gofmt)
	build := command(work, "go", "build", "-o", "kernel", file)
	build.Env = append(build.Env, "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := build.CombinedOutput(); err != nil {
		return f, fmt.Errorf("go build: %w\n%s", err, out)
	}
	f.Build = cpu(build)
	return f, nil
}

func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return cmd
}

func cpu(cmd *exec.Cmd) float64 {
	return cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds()
}

func measureProgram(dir string, compile bool) error {
	f, err := measure(dir, compile)
	if err == nil {
		printHead(compile)
		printRow(dir, "", f, 0, compile)
	}
	return err
}

func measureKinds(only string, scale int, compile bool) error {
	printHead(compile)
	for _, k := range kinds {
		if only != "" && !slices.Contains(strings.Split(only, ","), k.name) {
			continue
		}
		var before figures
		for _, n := range k.sizes {
			n *= scale
			dir, err := os.MkdirTemp("", "bundler-bench-")
			if err != nil {
				return err
			}
			err = errors.Join(k.write(dir, n), os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/m\n\ngo 1.26\n"), 0o644))
			var f figures
			if err == nil {
				f, err = measure(dir, compile)
			}
			os.RemoveAll(dir)
			if err != nil {
				return fmt.Errorf("%s, %d: %w", k.name, n, err)
			}
			growth := 0.0
			if before.CPU > 0 {
				growth = f.CPU / before.CPU
			}
			printRow(k.name, k.label(n), f, growth, compile)
			before = f
		}
	}
	return nil
}

func printHead(compile bool) {
	fmt.Print("| program | size | bundle | CPU s | growth | memory |")
	if compile {
		fmt.Print(" gofmt s | build s |")
	}
	fmt.Print("\n|---|---|---|---|---|---|")
	if compile {
		fmt.Print("---|---|")
	}
	fmt.Println()
}

func printRow(name, size string, f figures, growth float64, compile bool) {
	times := "–"
	if growth > 0 {
		times = fmt.Sprintf("× %.1f", growth)
	}
	fmt.Printf("| %s | %s | %.1f MB | %.1f | %s | %d MB |", name, size, float64(f.Bytes)/1e6, f.CPU, times, f.Memory/1e6)
	if compile {
		fmt.Printf(" %.1f | %.1f |", f.Gofmt, f.Build)
	}
	fmt.Println()
}
