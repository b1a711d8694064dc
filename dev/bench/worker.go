package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// classes is the number of classes of iMet 2019.
const classes = 1103

func (n network) draw() (*nn.Graph, error) {
	a, err := arch.Find(arch.All(), n.name)
	if err != nil {
		return nil, err
	}
	return a.Build(arch.Config{InputSize: n.size, Classes: classes})
}

// work runs our side: bench worker NETWORK SIZE BATCH THREADS.
func work(args []string) error {
	var number [3]int
	for i := range number {
		var err error
		if number[i], err = strconv.Atoi(args[i+1]); err != nil {
			return err
		}
	}
	size, batch, threads := number[0], number[1], number[2]
	g, err := network{args[0], size}.draw()
	if err != nil {
		return err
	}
	e, err := engine.Compile(g, golden.ParamsOf(g), engine.Options{Threads: threads})
	if err != nil {
		return err
	}
	images, logits := make([]float32, batch*size*size*3), make([]float32, batch*classes)
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
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
