package main

import (
	"bufio"
	_ "embed" // of peer.js
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// side is a program that predicts.
type side interface {
	// run predicts a number of batches. It returns the seconds of wall and CPU time.
	run(batches int) (wall, cpu float64, err error)
	peakMB() int
	stop()
}

// peer is the program that our side is compared with.
type peer struct {
	name string
	// prepare makes the files that start needs, once for each network.
	prepare func(n network, dir string) error
	start   start
	ours    start // our side beside it
}

// start starts a side. dir is the network's folder, with the files of prepare.
type start func(n network, dir string, batch, threads int) (side, error)

// peers lists the peers; the first is the default.
func peers() []peer {
	all := []peer{
		{"onnxruntime", export, startONNXRuntime, startOurs},
		{"kernel", deploy, startKernel, startInfer},
	}
	for _, set := range simd.Sets() {
		all = append(all, peer{set.Name, func(network, string) error { return nil }, startSet(set.Name), startOurs})
	}
	return all
}

//go:embed peer.js
var peerScript string

// haveONNXRuntime reports whether node has ONNX Runtime. It logs if not.
func haveONNXRuntime() bool {
	err := exec.Command("node", "-e", "require('onnxruntime-node')").Run()
	if err != nil {
		log.Print("skipping the peer: there is no node with onnxruntime-node (npm i --ignore-scripts onnxruntime-node)")
	}
	return err == nil
}

const onnxFile = "network.onnx"

// export writes the network as an ONNX file.
func export(n network, dir string) error {
	g, err := n.draw()
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, onnxFile))
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := onnx.Write(w, g, golden.ParamsOf(g), onnx.Options{}); err != nil {
		return err
	}
	return w.Flush()
}

func startONNXRuntime(n network, dir string, batch, threads int) (side, error) {
	return startChild(exec.Command("node", "-e", peerScript, filepath.Join(dir, onnxFile), strconv.Itoa(n.size), strconv.Itoa(batch), strconv.Itoa(threads)))
}

// startOurs starts our side.
func startOurs(n network, _ string, batch, threads int) (side, error) {
	return startWorker(n, batch, threads)
}

// startSet starts our side with the SIMD routines of that name.
func startSet(name string) start {
	return func(n network, _ string, batch, threads int) (side, error) {
		return startWorker(n, batch, threads, simd.Variable+"="+name)
	}
}
