package problem

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"golang.org/x/sync/errgroup"
)

// table is entries grouped by row, for the scores that need more of them than
// their signs.
type table struct {
	models int
	folds  []int     // first row of each fold, and the end of the last
	start  []int     // first entry of each row, and the end of the last
	values []float32 // by entry, the models' predictions
	truth  []bool    // by entry
	extra  []float64 // by row, width values each
	width  int

	moments moments
}

func newTable(models, width int) table {
	return table{models: models, start: []int{0}, folds: []int{0}, width: width}
}

// Models is the number of weights of a point.
func (t *table) Models() int { return t.models }

// MaxOffset is 0: these scores have no offset.
func (t *table) MaxOffset() float64 { return 0 }

// Folds is the number of folds.
func (t *table) Folds() int { return len(t.folds) - 1 }

// FoldStarts returns the first row of each fold, and the number of rows.
func (t *table) FoldStarts() []int { return t.folds }

// Correlation is as [Sign.Correlation].
func (t *table) Correlation(model int) float64 { return t.moments.correlation(model) }

// Rows is the number of rows.
func (t *table) Rows() int { return len(t.start) - 1 }

// Entries is the number of entries that pruning left.
func (t *table) Entries() int { return len(t.truth) }

func (t *table) entry(i int) []float32 { return t.values[i*t.models : (i+1)*t.models] }

// append adds the rows first..end-1 of another table as a fold.
func (t *table) append(o *table, first, end int) {
	from, to := o.start[first], o.start[end]
	shift := len(t.truth) - from
	for _, s := range o.start[first+1 : end+1] {
		t.start = append(t.start, s+shift)
	}
	t.values = append(t.values, o.values[from*o.models:to*o.models]...)
	t.truth = append(t.truth, o.truth[from:to]...)
	t.extra = append(t.extra, o.extra[first*o.width:end*o.width]...)
	t.folds = append(t.folds, t.Rows())
}

// reserve makes room for so many entries and rows, once: tables are large.
func (t *table) reserve(entries, rows int) {
	t.values = slices.Grow(t.values, entries*t.models)
	t.truth = slices.Grow(t.truth, entries)
	t.extra = slices.Grow(t.extra, rows*t.width)
	t.start = slices.Grow(t.start, rows)
}

func (t *table) choose(folds []int) table {
	sub := newTable(t.models, t.width)
	entries, rows := 0, 0
	for _, f := range folds {
		entries += t.start[t.folds[f+1]] - t.start[t.folds[f]]
		rows += t.folds[f+1] - t.folds[f]
	}
	sub.reserve(entries, rows)
	for _, f := range folds {
		sub.append(t, t.folds[f], t.folds[f+1])
	}
	return sub
}

// drop returns the table without a model; extra is left as it is.
func (t *table) drop(model int) table {
	sub := *t
	sub.models--
	sub.moments = moments{}
	sub.values = make([]float32, 0, len(t.truth)*sub.models)
	for i := range t.truth {
		p := t.entry(i)
		sub.values = append(append(sub.values, p[:model]...), p[model+1:]...)
	}
	return sub
}

// readTable reads the folds side by side. add adds the entries and the extra
// values of one row, whose predictions by model begin at from; what it adds is
// closed as a row.
func readTable(ctx context.Context, set *oof.Set, width int, progress func(int),
	add func(part *table, fold int, b oof.Block, from int, labels []int),
) (table, error) {
	parts := make([]*table, set.Truth.Folds)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for fold := range parts {
		group.Go(func() error {
			part := newTable(len(set.Models), width)
			parts[fold] = &part
			return set.Read(ctx, fold, func(b oof.Block) error {
				if err := set.NotFinite(fold, b); err != nil {
					return err
				}
				part.moments.add(b, set.Classes)
				for i, row := range b.Rows {
					add(&part, fold, b, i*set.Classes, set.Labels[row])
					part.start = append(part.start, len(part.truth))
				}
				if progress != nil {
					progress(len(b.Rows) * set.Classes * len(set.Models))
				}
				return nil
			})
		})
	}
	if err := group.Wait(); err != nil {
		return table{}, err
	}
	all := newTable(len(set.Models), width)
	entries, rows := 0, 0
	for _, p := range parts {
		entries += p.Entries()
		rows += p.Rows()
	}
	all.reserve(entries, rows)
	for i, p := range parts {
		all.append(p, 0, p.Rows())
		all.moments.join(p.moments)
		parts[i] = nil
	}
	if all.Rows() == 0 {
		return all, fmt.Errorf("no rows")
	}
	return all, nil
}
