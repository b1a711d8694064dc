package predict

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// statusInterval is the time between two lines of progress if w is not a terminal.
const statusInterval = 30 * time.Second

// journal writes messages for the user and shows progress. It is safe for concurrent
// use.
type journal struct {
	w        io.Writer
	tool     string // first word of each message
	terminal bool

	mu    sync.Mutex // guards w and the fields below
	shown bool       // the terminal shows a line of progress
	last  time.Time  // when the last line was written
}

// newJournal returns a journal that writes to w; nil drops the messages.
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

// line writes a message.
func (j *journal) line(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wipe()
	fmt.Fprintf(j.w, "%s: %s\n", j.tool, fmt.Sprintf(format, args...))
	j.last = time.Now()
}

// warn writes a warning.
func (j *journal) warn(format string, args ...any) {
	j.line("warning: "+format, args...)
}

// status shows progress. done is the share of the work that is done, from 0 to 1. On a
// terminal it overwrites the last status. Elsewhere it writes a line if the last one is
// old enough.
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
	if now := time.Now(); now.Sub(j.last) >= statusInterval {
		fmt.Fprintf(j.w, "%s: %s\n", j.tool, text)
		j.last = now
	}
}

// end removes the status from the terminal.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wipe()
}

// wipe removes the status from the terminal. The caller holds mu.
func (j *journal) wipe() {
	if j.shown {
		fmt.Fprint(j.w, "\r\x1b[K")
	}
	j.shown = false
}

// short formats a duration with at most two units.
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
