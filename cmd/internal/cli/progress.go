package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Unit is the unit of progress.
type Unit int

const (
	Items Unit = iota // printed as plain numbers
	Bytes             // printed as by say.Size
)

const (
	quietFlag = "quiet"
	// plainEvery is the time between two lines without a terminal.
	plainEvery = 10 * time.Second
)

// Progress shows the progress of a job on standard error: a bar on a terminal, else a
// line every ten seconds. With --quiet it shows nothing. Its methods are safe for
// concurrent use.
type Progress struct {
	bars *mpb.Progress // nil without a terminal
	bar  *mpb.Bar

	mu    sync.Mutex
	note  string
	line  plainLine
	w     io.Writer
	quiet bool
	every time.Duration
	next  time.Time
	done  int64
}

// Quiet reports whether the user asked for no progress.
func Quiet(cmd *cobra.Command) bool {
	quiet, err := cmd.Flags().GetBool(quietFlag)
	return err == nil && quiet
}

// NewProgress shows the progress of a job, such as "encrypting", of total units. The
// caller must call Close before it prints results.
func NewProgress(cmd *cobra.Command, verb string, total int64, unit Unit) *Progress {
	w := cmd.ErrOrStderr()
	p := &Progress{
		line:  plainLine{prefix: cmd.Root().Name() + ": " + verb, total: total, unit: unit, start: time.Now()},
		w:     w,
		quiet: Quiet(cmd),
		every: plainEvery,
		next:  time.Now().Add(plainEvery),
	}
	if !p.quiet && isTerminal(w) {
		p.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh())
		p.bar = p.bars.AddBar(total,
			mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(p.line.prefix)),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.line.state(s.Current, time.Now()) + p.note
			})),
		)
	}
	return p
}

// Add adds n units to the progress.
func (p *Progress) Add(n int64) {
	if p.bar != nil {
		p.bar.IncrInt64(n)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if now := time.Now(); !p.quiet && now.After(p.next) {
		fmt.Fprintf(p.w, "%s %s%s\n", p.line.prefix, p.line.state(p.done, now), p.note)
		p.next = now.Add(p.every)
	}
}

// Note shows a short text after the amount, such as the current loss.
func (p *Progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = ", " + text
}

// Write prints b, which holds whole lines, above the bar, even with --quiet. Messages
// and logs must go through it while the bar is shown.
func (p *Progress) Write(b []byte) (int, error) {
	if p.bars != nil {
		return p.bars.Write(b)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w.Write(b)
}

// Reader returns a reader of r that adds the bytes read to p.
func (p *Progress) Reader(r io.Reader) io.Reader { return io.TeeReader(r, adder{p}) }

// Writer returns a writer to w that adds the bytes written to p.
func (p *Progress) Writer(w io.Writer) io.Writer { return io.MultiWriter(w, adder{p}) }

// Close removes the bar. It may be called more than once.
func (p *Progress) Close() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}

// plainLine formats progress as text.
type plainLine struct {
	prefix string
	total  int64
	unit   Unit
	start  time.Time
}

// state returns "42% of 1.5 GB, 310 MB/s, 3s left".
func (l plainLine) state(done int64, now time.Time) string {
	var s string
	if l.total > 0 {
		s = fmt.Sprintf("%d%% of %s", min(100, done*100/l.total), l.amount(float64(l.total)))
	} else {
		s = l.amount(float64(done))
	}
	elapsed := now.Sub(l.start)
	if done <= 0 || elapsed < time.Second {
		return s
	}
	rate := float64(done) / elapsed.Seconds()
	s += fmt.Sprintf(", %s/s", l.amount(rate))
	if left := l.total - done; left > 0 {
		s += fmt.Sprintf(", %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return s
}

func (l plainLine) amount(v float64) string {
	if l.unit == Bytes {
		return say.Size(int64(v))
	}
	if v < 10 && v != float64(int64(v)) {
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// adder adds the bytes written to it to a Progress.
type adder struct{ p *Progress }

func (a adder) Write(b []byte) (int, error) {
	a.p.Add(int64(len(b)))
	return len(b), nil
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
