package engine

import "time"

// StepTime is the duration of one step of a program.
type StepTime struct {
	// Name holds the step's operation and state-dict name, e.g. "Conv conv1".
	Name string
	// Layer is the state-dict name of the step's first node, or "".
	Layer string
	Took  time.Duration
}

// Profile computes one image, (H, W, C), on one thread, and returns the duration of
// each step in order.
func (e *Engine) Profile(image []float32) []StepTime {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.workers[0]
	w.grow(e.program)
	e.program.enter(w.arena, image)
	times := make([]StepTime, len(e.program.steps))
	for i, s := range e.program.steps {
		start := time.Now()
		w.alone(s)
		times[i] = StepTime{e.program.names[i], e.program.layers[i], time.Since(start)}
	}
	return times
}
