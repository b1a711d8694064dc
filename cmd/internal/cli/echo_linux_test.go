package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPassphrasesAreNotEchoed(t *testing.T) {
	pty := startOnTerminal(t, "tool", "ask")
	pty.expect("new passphrase: ")
	pty.send("correct horse\n")
	pty.expect("the same again: ")
	pty.send("correct horse\n")
	if status := pty.wait(); status != 0 {
		t.Fatalf("status %d, want 0; stderr %s", status, pty.stderr.String())
	}
	if got := pty.stdout.String(); got != "got \"correct horse\"\n" {
		t.Errorf("the tool read %q", got)
	}
	if strings.Contains(pty.seen, "horse") {
		t.Errorf("the terminal showed the passphrase: %q", pty.seen)
	}
}

func TestInterruptAtThePassphraseLeavesTheTerminalAsItWas(t *testing.T) {
	pty := startOnTerminal(t, "tool", "ask")
	pty.expect("new passphrase: ")
	pty.waitEcho(false)
	pty.send("corr\x03")
	if status := pty.wait(); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
	if got := pty.stderr.String(); got != "tool: interrupted\n" {
		t.Errorf("stderr %q", got)
	}
	pty.waitEcho(true)
}

// terminal is a process on a pseudo-terminal of its own.
type terminal struct {
	t              *testing.T
	master, slave  *os.File
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	seen           string // what the terminal showed
}

func startOnTerminal(t *testing.T, name string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("this system has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	var n int
	control(t, master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	p := &terminal{t: t, master: master, slave: slave, cmd: exec.Command(name, args...)}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, &p.stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// expect waits until the terminal shows text.
func (p *terminal) expect(text string) {
	p.t.Helper()
	_ = p.master.SetReadDeadline(time.Now().Add(10 * time.Second))
	for b := make([]byte, 256); !strings.Contains(p.seen, text); {
		n, err := p.master.Read(b)
		p.seen += string(b[:n])
		if err != nil {
			p.t.Fatalf("waiting for %q after %q: %v", text, p.seen, err)
		}
	}
}

// send types text once the terminal's echo is off.
func (p *terminal) send(text string) {
	p.t.Helper()
	p.waitEcho(false)
	if _, err := p.master.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *terminal) waitEcho(on bool) {
	p.t.Helper()
	for range 1000 {
		var now bool
		control(p.t, p.slave, func(fd int) error {
			state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
			if err == nil {
				now = state.Lflag&unix.ECHO != 0
			}
			return err
		})
		if now == on {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.t.Fatalf("echo is not %v after ten seconds", on)
}

// wait returns the exit status, and reads what the terminal still shows.
func (p *terminal) wait() int {
	_ = p.cmd.Wait()
	_ = p.master.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	for b := make([]byte, 256); ; {
		n, err := p.master.Read(b)
		p.seen += string(b[:n])
		if err != nil {
			return p.cmd.ProcessState.ExitCode()
		}
	}
}

func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil || inner != nil {
		t.Fatal(err, inner)
	}
}
