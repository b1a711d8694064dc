package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/dev/usage"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// classes is the number of classes of iMet 2019.
const classes = 1103

// networkOf returns the network of an ONNX file.
func networkOf(path string) (network, error) {
	n := network{name: strings.Split(filepath.Base(path), ".")[0], file: path}
	m, err := onnx.Open(n.fileFor(1))
	if err != nil {
		return n, err
	}
	for _, d := range m.Graph.Inputs[0].Shape {
		n.size = max(n.size, int(d.Size))
	}
	if n.size == 0 {
		return n, fmt.Errorf("%s leaves its input size open", path)
	}
	return n, nil
}

// load returns the network's graph and weights.
func (n network) load() (*nn.Graph, engine.Params, error) {
	if n.file != "" {
		m, err := onnx.Open(n.fileFor(1))
		if err != nil {
			return nil, nil, err
		}
		net, err := importer.Import(context.Background(), m, importer.Options{})
		if err != nil {
			return nil, nil, err
		}
		return net.Graph, net.Weights, nil
	}
	a, err := arch.Find(arch.All(), n.name)
	if err != nil {
		return nil, nil, err
	}
	g, err := a.Build(arch.Config{InputSize: n.size, Classes: classes})
	if err != nil {
		return nil, nil, err
	}
	return g, golden.ParamsOf(g), nil
}

// work runs our side: bench worker NETWORK FILE SIZE BATCH THREADS.
func work(args []string) error {
	n := network{name: args[0], file: args[1]}
	var batch, threads int
	for i, number := range []*int{&n.size, &batch, &threads} {
		var err error
		if *number, err = strconv.Atoi(args[i+2]); err != nil {
			return err
		}
	}
	g, params, err := n.load()
	if err != nil {
		return err
	}
	e, err := engine.Compile(g, params, engine.Options{Threads: threads})
	if err != nil {
		return err
	}
	classes := g.Output.Shape.C
	images, logits := make([]float32, batch*n.size*n.size*3), make([]float32, batch*classes)
	for i := range images {
		images[i] = float32(math.Sin(float64(i) * 0.37))
	}
	ctx := context.Background()
	if err := e.Predict(ctx, images, logits); err != nil {
		return err
	}
	debug.FreeOSMemory()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		runs, err := strconv.Atoi(in.Text())
		if err != nil {
			return err
		}
		start, cpu := time.Now(), cpuTime()
		for range runs {
			if err := e.Predict(ctx, images, logits); err != nil {
				return err
			}
		}
		fmt.Println(time.Since(start).Seconds(), (cpuTime() - cpu).Seconds())
	}
	return nil
}

// cpuTime returns the CPU time of this process.
func cpuTime() time.Duration {
	cpu, _ := usage.Self()
	return cpu
}
