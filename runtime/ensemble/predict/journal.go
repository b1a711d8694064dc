package predict

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// statusEvery is how often progress is told where lines can't be overwritten.
const statusEvery = 30 * time.Second

// journal writes lines of text for the user, and a line of progress under
// them. It is safe for concurrent use.
type journal struct {
	mu       sync.Mutex
	w        io.Writer
	tool     string
	terminal bool
	shown    bool // a status line is on the terminal
	last     time.Time
}

func newJournal(w io.Writer, tool string) *journal {
	if w == nil {
		w = io.Discard
	}
	j := &journal{w: w, tool: tool, last: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		j.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return j
}

// line writes a line that stays.
func (j *journal) line(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wipe()
	fmt.Fprintf(j.w, "%s: %s\n", j.tool, fmt.Sprintf(format, args...))
	j.last = time.Now()
}

// warn writes a line that tells of something wrong.
func (j *journal) warn(format string, args ...any) {
	j.line("warning: "+format, args...)
}

// status shows progress: over the last status on a terminal, else as a line
// from time to time.
func (j *journal) status(done float64, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.terminal {
		const width = 20
		n := min(max(int(done*width), 0), width)
		fmt.Fprintf(j.w, "\r\x1b[K%s: [%-*s] %s", j.tool, width, "####################"[:n], text)
		j.shown = true
		return
	}
	if now := time.Now(); now.Sub(j.last) >= statusEvery {
		fmt.Fprintf(j.w, "%s: %s\n", j.tool, text)
		j.last = now
	}
}

// end removes the status line.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wipe()
}

func (j *journal) wipe() {
	if j.shown {
		fmt.Fprint(j.w, "\r\x1b[K")
	}
	j.shown = false
}

// short formats a duration for people: two units at most.
func short(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d >= 10*time.Second:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}
