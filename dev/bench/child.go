package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
)

// child is a side in another process. It reads the number of batches to predict from
// each line of its standard input, and answers with the seconds.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// startWorker starts our side. env is added to this process's environment.
func startWorker(n network, batch, threads int, env ...string) (*child, error) {
	cmd := exec.Command(os.Args[0], "worker", n.name, n.file, strconv.Itoa(n.size), strconv.Itoa(batch), strconv.Itoa(threads))
	cmd.Env = append(os.Environ(), env...)
	return startChild(cmd)
}

// startChild starts the process and waits until it is ready.
func startChild(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd}
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
		return nil, fmt.Errorf("%s ended before it was ready", cmd.Args[0])
	}
	return c, nil
}

// run implements side. It waits a little before it measures, so that threads of the
// other side go to sleep.
func (c *child) run(batches int) (wall, cpu float64, err error) {
	time.Sleep(50 * time.Millisecond)
	if _, err := fmt.Fprintln(c.in, batches); err != nil {
		return 0, 0, err
	}
	if !c.out.Scan() {
		return 0, 0, fmt.Errorf("a process ended early")
	}
	_, err = fmt.Sscan(c.out.Text(), &wall, &cpu)
	return wall, cpu, err
}

func (c *child) peakMB() int { return int(sandbox.PeakMemory(c.cmd.Process.Pid) / 1e6) }

func (c *child) stop() {
	c.in.Close()
	_ = c.cmd.Wait() // it ends with its input
}
