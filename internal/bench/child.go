package main

import (
	"bufio"
	_ "embed" // of peer.js
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

//go:embed peer.js
var peerScript string

// child is a process that runs a network once for each line that it reads, and
// answers with the seconds.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// havePeer reports whether node has ONNX Runtime, and says so where it hasn't.
func havePeer() bool {
	err := exec.Command("node", "-e", "require('onnxruntime-node')").Run()
	if err != nil {
		log.Print("the peer is skipped: node with onnxruntime-node isn't here (npm i --ignore-scripts onnxruntime-node)")
	}
	return err == nil
}

func startPeer(model string, n network, batch, threads int) (*child, error) {
	return start("node", "-e", peerScript, model, strconv.Itoa(n.size), strconv.Itoa(batch), strconv.Itoa(threads))
}

func startWorker(n network, batch, threads int) (*child, error) {
	return start(os.Args[0], "worker", n.name, strconv.Itoa(n.size), strconv.Itoa(batch), strconv.Itoa(threads))
}

// start waits until the process is ready.
func start(name string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...)}
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out = in, bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if !c.out.Scan() {
		c.stop()
		return nil, fmt.Errorf("%s ended before it was ready", name)
	}
	return c, nil
}

// run runs the network once. What the other process still does after its own
// run, such as threads that wait for more to do, isn't to be measured here.
func (c *child) run() (wall, cpu float64, err error) {
	time.Sleep(50 * time.Millisecond)
	if _, err := fmt.Fprintln(c.in); err != nil {
		return 0, 0, err
	}
	if !c.out.Scan() {
		return 0, 0, fmt.Errorf("a process ended early")
	}
	_, err = fmt.Sscan(c.out.Text(), &wall, &cpu)
	return wall, cpu, err
}

// peakMB returns the most memory that the process has had, where the system
// tells it, and else 0.
func (c *child) peakMB() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb / 1000
		}
	}
	return 0
}

func (c *child) stop() {
	c.in.Close()
	_ = c.cmd.Wait() // it ends with its input
}
