package rehearsal_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// A kernel of three models of different sizes holds one file of weights, one network with
// its arenas, and two batches of images at a time. A quarter more is allowed for the
// garbage collector, and 64 MB for the program.
func TestPeakMemoryIsOneFileAndOneNetwork(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 to measure at full size")
	}
	const batch, program = 16, 64e6
	configs := golden.Shared(t, "data/imet/config")
	var network, arenas, batches, file int64
	for _, config := range []string{"2b_se_resnext50", "2o_se_resnext101_def_aug", "2j_cbam_resnet50_auto_aug"} {
		g := graph(t, filepath.Join(configs, config+".yml"))
		n, arena := inMemory(t, g)
		t.Logf("%s: a network of %d MB, an arena of %d MB", config, n/1e6, arena/1e6)
		network = max(network, n)
		arenas = max(arenas, arena*int64(runtime.GOMAXPROCS(0)))
		batches = max(batches, 2*batch*4*int64(g.Input.Shape.Len()))
	}
	d := deployed(t, "level1_train_2b_se_resnext50_f0_e14_0.5975",
		"level1_train_2o_se_resnext101_def_aug_f0_e30_0.5994", "level1_train_2j_cbam_resnet50_auto_aug_f0_e27_0.5929")
	for _, path := range d.weights {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d MB", filepath.Base(path), info.Size()/1e6)
		file = max(file, info.Size())
	}
	cmd := d.command("--limit", strconv.Itoa(batch), "--batch", strconv.Itoa(batch))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sandbox.Watch(cmd.Process.Pid)
	err := cmd.Wait()
	peak, needed := stop(), file+network+arenas+batches
	if err != nil {
		t.Fatal(err)
	}
	if peak == 0 {
		t.Skip("the system does not report the memory of a process")
	}
	t.Logf("%d MB at most; needed: file %d, network %d, arenas %d, batches %d, together %d MB",
		peak/1e6, file/1e6, network/1e6, arenas/1e6, batches/1e6, needed/1e6)
	if limit := needed + needed/4 + program; peak > limit || peak < file+network {
		t.Errorf("%d MB at most, expected up to %d", peak/1e6, limit/1e6)
	}
}

// inMemory returns the bytes of a network and of one of its arenas.
func inMemory(t *testing.T, g *nn.Graph) (network, arena int64) {
	t.Helper()
	dict := golden.StateDict(g)
	before := live()
	e, err := engine.Compile(g, dict, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	network, arena = live()-before, int64(e.ArenaBytes())
	runtime.KeepAlive(dict)
	return network, arena
}

// live returns the bytes of live heap objects.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
