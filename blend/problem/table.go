package problem

import (
	"context"
	"errors"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// table holds the entries of each fold, for scores that need more than their signs.
// Tables of fewer folds share the parts.
type table struct {
	models int
	width  int // number of extra values of a row
	parts  []*part

	moments moments
}

// part holds the entries of one fold, grouped by row.
type part struct {
	models int
	start  []int     // first entry of each row, and the number of entries
	values []float32 // by entry, the models' predictions
	truth  []bool    // by entry, of a log loss
	class  []int32   // by entry, what the row gets if the entry is the highest
	label  []int32   // by row, what it should get
	extra  []float64 // by row, width values each
}

func (p *part) rows() int    { return len(p.start) - 1 }
func (p *part) entries() int { return p.start[len(p.start)-1] }

// entry returns the predictions of entry i, one per model.
func (p *part) entry(i int) []float32 { return p.values[i*p.models : (i+1)*p.models] }

// Models returns the number of coefficients of a point.
func (t *table) Models() int { return t.models }

// MaxOffset returns 0: these scores have no offset.
func (t *table) MaxOffset() float64 { return 0 }

// Folds returns the number of folds.
func (t *table) Folds() int { return len(t.parts) }

// FoldStarts returns the first row of each fold, and after them the number of rows.
func (t *table) FoldStarts() []int {
	starts := []int{0}
	for i, p := range t.parts {
		starts = append(starts, starts[i]+p.rows())
	}
	return starts
}

// Correlation is like [Sign.Correlation].
func (t *table) Correlation(model int) float64 { return t.moments.correlation(model) }

// Rows returns the number of rows.
func (t *table) Rows() int {
	rows := 0
	for _, p := range t.parts {
		rows += p.rows()
	}
	return rows
}

// Entries returns the number of entries that pruning left.
func (t *table) Entries() int {
	entries := 0
	for _, p := range t.parts {
		entries += p.entries()
	}
	return entries
}

// choose returns the table of some folds.
func (t *table) choose(folds []int) table {
	sub := table{models: t.models, width: t.width}
	for _, f := range folds {
		sub.parts = append(sub.parts, t.parts[f])
	}
	return sub
}

// drop returns the table without one model; it keeps extra as it is.
func (t *table) drop(model int) table {
	sub := table{models: t.models - 1, width: t.width}
	for _, p := range t.parts {
		few := *p
		few.models--
		few.values = make([]float32, 0, p.entries()*few.models)
		for i := range p.entries() {
			v := p.entry(i)
			few.values = append(append(few.values, v[:model]...), v[model+1:]...)
		}
		sub.parts = append(sub.parts, &few)
	}
	return sub
}

// readTable reads several folds at once. add appends the entries and the extra values
// of one row to p; the row's predictions begin at from in each model's block.
func readTable(ctx context.Context, set *oof.Set, width int, progress func(int),
	add func(p *part, fold int, b oof.Block, from int, labels []int),
) (table, error) {
	models := len(set.Models)
	t := table{models: models, width: width, parts: make([]*part, set.Truth.Folds)}
	found := make([]moments, len(t.parts))
	err := set.EachFold(ctx, func(ctx context.Context, fold int) error {
		p := &part{models: models, start: []int{0}}
		t.parts[fold] = p
		return set.Read(ctx, fold, func(b oof.Block) error {
			if err := set.NotFinite(fold, b); err != nil {
				return err
			}
			found[fold].add(b, set.Classes)
			for i, row := range b.Rows {
				add(p, fold, b, i*set.Classes, set.Labels[row])
				p.start = append(p.start, len(p.values)/models)
			}
			if progress != nil {
				progress(len(b.Rows) * set.Classes * models)
			}
			return nil
		})
	})
	if err != nil {
		return table{}, err
	}
	for _, m := range found {
		t.moments.join(m)
	}
	if t.Rows() == 0 {
		return t, errors.New("the table has no rows")
	}
	return t, nil
}
