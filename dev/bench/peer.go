package main

import (
	"bufio"
	_ "embed" // of peer.py
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// side is a program that predicts.
type side interface {
	// run predicts a number of batches. It returns the seconds of wall and CPU time.
	run(batches int) (wall, cpu float64, err error)
	peakMB() int
	stop()
}

// peer is a program that our side is compared with.
type peer struct {
	name string
	// module is the Python package that the peer needs, or "".
	module string
	// prepare makes the files that start needs, once for each network.
	prepare func(n network, dir string) error
	start   start
	ours    start // our side beside it
	// minBatch is the least batch that the peer can divide.
	minBatch int
}

// start starts a side. dir is the network's folder, with the files of prepare.
type start func(n network, dir string, batch, threads int) (side, error)

// peers lists the peers.
func peers() []peer {
	all := []peer{
		{"onnxruntime", "onnxruntime", export, startPython("onnxruntime", 1), startOurs, 1},
		{"openvino", "openvino", export, startPython("openvino", 1), startOurs, 1},
		{"openvino-2-streams", "openvino", export, startPython("openvino", 2), startOurs, 2},
		{"kernel", "", deploy, startKernel, startInfer, 1},
	}
	for _, set := range simd.Sets() {
		all = append(all, peer{set.Name, "", func(network, string) error { return nil }, startSet(set.Name), startOurs, 1})
	}
	return all
}

//go:embed peer.py
var peerScript string

// python returns the command of Python: $PYTHON, or python3.
func python() string {
	if name := os.Getenv("PYTHON"); name != "" {
		return name
	}
	return "python3"
}

// available reports whether the peer can run. It logs if not.
func (p peer) available() bool {
	if p.module == "" {
		return true
	}
	err := exec.Command(python(), "-c", "import numpy, "+p.module).Run()
	if err != nil {
		log.Printf("skipping the peer %s: %s cannot import it (pip install numpy %s; PYTHON names another python3)", p.name, python(), p.module)
	}
	return err == nil
}

const onnxFile = "network.onnx"

// export writes the network as an ONNX file.
func export(n network, dir string) error {
	path := filepath.Join(dir, onnxFile)
	if _, err := os.Stat(path); err == nil || n.file != "" {
		return nil // by another peer, or there is a file
	}
	g, params, err := n.load()
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := onnx.Write(w, g, params, onnx.Options{}); err != nil {
		return err
	}
	return w.Flush()
}

// startPython starts a peer of peer.py.
func startPython(engine string, streams int) start {
	return func(n network, dir string, batch, threads int) (side, error) {
		file := filepath.Join(dir, onnxFile)
		if n.file != "" {
			file = n.fileFor(batch)
			if streams > 1 {
				file = n.fileFor(1)
			}
		}
		args := []string{"-c", peerScript, engine, file}
		for _, number := range []int{n.size, batch, threads, streams} {
			args = append(args, strconv.Itoa(number))
		}
		return startChild(exec.Command(python(), args...))
	}
}

// fileFor returns the path of the network's ONNX file for a batch.
func (n network) fileFor(batch int) string {
	return strings.ReplaceAll(n.file, batchMark, strconv.Itoa(batch))
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
