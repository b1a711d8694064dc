package command

import (
	"sync"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// stages prints on standard error what a long job does: it names a stage that has
// lasted for two seconds, and again every ten seconds. A short job is silent.
type stages struct {
	mu      sync.Mutex
	doing   string
	since   time.Time
	told    time.Time // when doing was named last, or zero
	stop    chan struct{}
	stopped sync.WaitGroup
}

const (
	tellAfter = 2 * time.Second
	tellAgain = 10 * time.Second
)

// startStages starts to watch. The caller must call done.
func startStages(cmd *cobra.Command) *stages {
	s := &stages{doing: "starting", since: time.Now(), stop: make(chan struct{})}
	if cli.Quiet(cmd) {
		return s
	}
	s.stopped.Go(func() {
		tick := time.NewTicker(tellAfter / 10)
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

// begin names what the job does next.
func (s *stages) begin(doing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doing, s.since, s.told = doing, time.Now(), time.Time{}
}

// due returns the line to print now, or nothing.
func (s *stages) due(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lasted := now.Sub(s.since)
	if lasted < tellAfter || !s.told.IsZero() && now.Sub(s.told) < tellAgain {
		return ""
	}
	text := s.doing + " ..."
	if !s.told.IsZero() {
		text += " (" + lasted.Round(time.Second).String() + ")"
	}
	s.told = now
	return text
}

// done ends the watch. It may be called more than once.
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
