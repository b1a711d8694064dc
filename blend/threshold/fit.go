package threshold

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/metric"
)

const (
	// least is the smallest gain that counts, in rows. It exceeds the rounding error
	// of a sum over a million rows.
	least = 1e-9
	// narrow is the length below which a piece between two predictions is skipped, as
	// rounding may create it.
	narrow = 1. / (1 << 30)
)

// Fit returns the thresholds that score best on the rows of some folds. It moves one
// threshold at a time, from the common one, until none improves. It does not shrink
// them. It ends early with ctx.
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
	in  []bool        // the rows to fit to
	n   int           // their number
	all metric.Counts // of these rows together, for micro averages
}

// piece is an interval of thresholds between two neighboring predictions, all of
// which give the same labels. gain is what they add to the score, times the number of
// rows.
type piece struct{ gain, from, to float64 }

// middle returns the middle of the piece, or from if no number lies between.
func (p piece) middle() float64 {
	if m := p.from + (p.to-p.from)/2; m < p.to {
		return m
	}
	return p.from
}

// offer takes a piece if it gains more.
func (p *piece) offer(gain, a, b float64) {
	from, to := min(a, b), max(a, b)
	if gain > p.gain && to-from >= narrow {
		*p = piece{gain, from, to}
	}
}

// best returns the best piece for the threshold of one class while the others stay;
// ties go to the nearest. Its gain is 0 if none is better than the present one.
func (f *fit) best(class int) piece {
	list := f.entries[class]
	at := above(list, f.at[class])
	var best piece
	f.walk(&best, list, at, 1, take)
	f.walk(&best, list, at-1, -1, give)
	return best
}

// move sets the threshold of a class.
func (f *fit) move(class int, to float64) {
	moved, step := f.set(class, to)
	for _, e := range moved {
		if f.in[e.row()] {
			f.all = after(f.all, e, step)
		}
	}
}

// walk visits the entries from i on in one direction; each of them makes the step s.
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
