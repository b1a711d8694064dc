package command

import (
	"sync"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// stages prints the stage of a long job on standard error: two seconds after the stage
// began, and then every ten seconds. A short job prints nothing.
type stages struct {
	mu      sync.Mutex
	doing   string
	since   time.Time
	printed time.Time // when doing was printed last, or zero
	stop    chan struct{}
	stopped sync.WaitGroup
}

const (
	printAfter = 2 * time.Second
	printAgain = 10 * time.Second
)

// startStages starts the timer. The caller must call done.
func startStages(cmd *cobra.Command) *stages {
	s := &stages{doing: "starting", since: time.Now(), stop: make(chan struct{})}
	if cli.Quiet(cmd) {
		return s
	}
	s.stopped.Go(func() {
		tick := time.NewTicker(printAfter / 10)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case now := <-tick.C:
				if text := s.due(now); text != "" {
					cli.Printf(cmd, "%s", text)
				}
			}
		}
	})
	return s
}

// begin starts a stage.
func (s *stages) begin(doing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doing, s.since, s.printed = doing, time.Now(), time.Time{}
}

// due returns the line to print now, or "".
func (s *stages) due(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lasted := now.Sub(s.since)
	if lasted < printAfter || !s.printed.IsZero() && now.Sub(s.printed) < printAgain {
		return ""
	}
	text := s.doing + " ..."
	if !s.printed.IsZero() {
		text += " (" + lasted.Round(time.Second).String() + ")"
	}
	s.printed = now
	return text
}

// done stops the timer. It may be called more than once.
func (s *stages) done() {
	s.mu.Lock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.mu.Unlock()
	s.stopped.Wait()
}
