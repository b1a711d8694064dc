package threshold

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/metric"
)

const (
	// least is the smallest gain that counts, in rows: more than the rounding
	// errors of a sum over a million of them.
	least = 1e-9
	// narrow is the length of the pieces between two predictions that are passed
	// over, as rounding may make them.
	narrow = 1. / (1 << 30)
)

// Fit returns the thresholds at which the rows of the folds score best, as far as
// moving one at a time leads there from the common one. They are not shrunk. It
// ends early with ctx.
func (p *Problem) Fit(ctx context.Context, folds ...int) []float64 {
	f := &fit{state: p.state(), in: make([]bool, len(p.rows))}
	for _, fold := range folds {
		for r := p.folds[fold]; r < p.folds[fold+1]; r++ {
			f.in[r] = true
			f.n++
			f.all.Add(f.rows[r])
		}
	}
	for moved := true; moved; {
		moved = false
		for class := range f.at {
			if ctx.Err() != nil {
				return f.at
			}
			if best := f.best(class); best.gain > least {
				f.move(class, best.middle())
				moved = true
			}
		}
	}
	return f.at
}

// fit is the state of a search.
type fit struct {
	*state
	in  []bool        // the rows that are fitted to
	n   int           // their number
	all metric.Counts // of them together, where that is the score
}

// piece is the thresholds from one prediction to the next, which all give the
// same labels, and what is gained there, in rows.
type piece struct{ gain, from, to float64 }

// middle is from itself where there is no number between.
func (p piece) middle() float64 {
	if m := p.from + (p.to-p.from)/2; m < p.to {
		return m
	}
	return p.from
}

func (p *piece) offer(gain, a, b float64) {
	from, to := min(a, b), max(a, b)
	if gain > p.gain && to-from >= narrow {
		*p = piece{gain, from, to}
	}
}

// best returns the best piece for the threshold of a class, the others staying;
// of equal ones the nearest. Its gain is 0 where none is better than now.
func (f *fit) best(class int) piece {
	list := f.entries[class]
	at := above(list, f.at[class])
	var best piece
	f.walk(&best, list, at, 1, take)
	f.walk(&best, list, at-1, -1, give)
	return best
}

func (f *fit) move(class int, to float64) {
	moved, step := f.set(class, to)
	for _, e := range moved {
		if f.in[e.row()] {
			f.all = after(f.all, e, step)
		}
	}
}

// walk passes the entries from i on, upwards or downwards, which all make the
// same step.
func (f *fit) walk(best *piece, list []entry, i, direction int, s step) {
	beta := f.options.Beta
	gain, all, passed, last := 0.0, f.all, false, 0.0
	for ; i >= 0 && i < len(list); i += direction {
		e := list[i]
		if !f.in[e.row()] {
			continue
		}
		if passed && e.value != last {
			best.offer(gain, last, e.value)
		}
		passed, last = true, e.value
		if f.options.Micro {
			all = after(all, e, s)
			gain = (all.FBeta(beta) - f.all.FBeta(beta)) * float64(f.n)
			continue
		}
		row := f.rows[e.row()]
		gain += after(row, e, s).FBeta(beta) - row.FBeta(beta)
	}
	if passed {
		best.offer(gain, last, float64(direction)*f.options.MaxOffset)
	}
}
