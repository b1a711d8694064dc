package kaggle

import (
	"context"
	"errors"
	"time"
)

// maxPause bounds the pause between two tries, unless Patience.Pause is longer.
const maxPause = 5 * time.Minute

// Patience bounds how often and how long a command is tried.
type Patience struct {
	Tries int
	Pause time.Duration // before the second try; it doubles with each try
	Busy  time.Duration // while a dataset is busy, tries continue for so long
	Say   func(format string, args ...any)
}

// Retry calls do until it succeeds, fails for good or has failed p.Tries times. Only
// an error that wraps an *Error without Lasting is worth another try.
func (p Patience) Retry(ctx context.Context, do func() error) error {
	pause, start := p.Pause, time.Now()
	for try := 1; ; try++ {
		err := do()
		var e *Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &e) || e.Lasting {
			return err
		}
		if busy := e.Busy && time.Since(start) < p.Busy; !busy && try >= p.Tries {
			return err
		}
		p.Say("%v; trying again in %s", err, pause)
		if err := Sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, max(p.Pause, maxPause))
	}
}

// Sleep waits for d. It returns ctx's error if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
