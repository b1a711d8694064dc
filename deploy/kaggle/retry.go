package kaggle

import (
	"context"
	"errors"
	"time"
)

// maxPause bounds the pause between two tries, unless the first one is longer.
const maxPause = 5 * time.Minute

// Patience says how long a command that fails is tried again.
type Patience struct {
	Tries int
	Pause time.Duration // before the second try; it doubles from try to try
	Busy  time.Duration // how long a busy dataset is tried, beyond Tries
	Say   func(format string, args ...any)
}

// Retry calls do until it succeeds, its error is no *Error or is lasting, or it has
// failed Tries times.
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

// Sleep waits for d, or returns ctx's error if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
