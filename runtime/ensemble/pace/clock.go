package pace

import (
	"context"
	"errors"
	"time"
)

// ErrLate is returned if the time budget is used up.
var ErrLate = errors.New("the budget is used up")

// Clock measures the time that a run has left.
type Clock struct {
	start   time.Time
	budget  time.Duration // 0 or less is no limit
	writing time.Duration // time that the last write of the submission took
}

// NewClock returns the clock of a run that may take budget from start on. A budget of 0
// sets no limit.
func NewClock(start time.Time, budget time.Duration) *Clock {
	return &Clock{start: start, budget: budget}
}

// Limited reports whether there is a budget.
func (c *Clock) Limited() bool { return c.budget > 0 }

// Budget returns the budget; 0 is no limit.
func (c *Clock) Budget() time.Duration { return max(c.budget, 0) }

// Elapsed returns the time since the start.
func (c *Clock) Elapsed() time.Duration { return time.Since(c.start) }

// Left returns the time until the last write of the submission must begin. It keeps a
// reserve for that write: three times what the last one took, and 1/60 of the budget,
// between 50 ms and 1 min.
func (c *Clock) Left() time.Duration { return time.Until(c.deadline()) }

func (c *Clock) deadline() time.Time {
	reserve := min(max(c.budget/60, 50*time.Millisecond), time.Minute) + 3*c.writing
	return c.start.Add(c.budget - reserve)
}

// Over reports whether the last write of the submission must begin now.
func (c *Clock) Over() bool { return c.Limited() && c.Left() <= 0 }

// Wrote records how long it took to write the submission.
func (c *Clock) Wrote(took time.Duration) { c.writing = took }

// Context returns a context that ends with the cause ErrLate when the last write of the
// submission must begin. Without a budget it ends with ctx.
func (c *Clock) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if !c.Limited() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, c.deadline(), ErrLate)
}

// Within returns the result of f, or the error of ctx or ErrLate if it comes first. Then
// f goes on in its goroutine, and nobody waits for it: a disk may be dead.
func Within[T any](ctx context.Context, c *Clock, f func() (T, error)) (T, error) {
	limited, cancel := c.Context(ctx)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-limited.Done():
		var none T
		if err := ctx.Err(); err != nil {
			return none, err
		}
		return none, ErrLate
	}
}
