package problem

import (
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// table is the entries of each fold, for the scores that need more of them than
// their signs. Tables of some of the folds share them.
type table struct {
	models int
	width  int // values of a row's extra
	parts  []*part

	moments moments
}

// part is the entries of one fold, grouped by row.
type part struct {
	models int
	start  []int     // first entry of each row, and the end of the last
	values []float32 // by entry, the models' predictions
	truth  []bool    // by entry
	extra  []float64 // by row, width values each
}

func (p *part) rows() int { return len(p.start) - 1 }

func (p *part) entry(i int) []float32 { return p.values[i*p.models : (i+1)*p.models] }

// Models is the number of weights of a point.
func (t *table) Models() int { return t.models }

// MaxOffset is 0: these scores have no offset.
func (t *table) MaxOffset() float64 { return 0 }

// Folds is the number of folds.
func (t *table) Folds() int { return len(t.parts) }

// FoldStarts returns the first row of each fold, and the number of rows.
func (t *table) FoldStarts() []int {
	starts := []int{0}
	for i, p := range t.parts {
		starts = append(starts, starts[i]+p.rows())
	}
	return starts
}

// Correlation is as [Sign.Correlation].
func (t *table) Correlation(model int) float64 { return t.moments.correlation(model) }

// Rows is the number of rows.
func (t *table) Rows() int {
	rows := 0
	for _, p := range t.parts {
		rows += p.rows()
	}
	return rows
}

// Entries is the number of entries that pruning left.
func (t *table) Entries() int {
	entries := 0
	for _, p := range t.parts {
		entries += len(p.truth)
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

// drop returns the table without a model; extra is left as it is.
func (t *table) drop(model int) table {
	sub := table{models: t.models - 1, width: t.width}
	for _, p := range t.parts {
		few := *p
		few.models--
		few.values = make([]float32, 0, len(p.truth)*few.models)
		for i := range p.truth {
			v := p.entry(i)
			few.values = append(append(few.values, v[:model]...), v[model+1:]...)
		}
		sub.parts = append(sub.parts, &few)
	}
	return sub
}

// readTable reads the folds side by side. add adds the entries and the extra
// values of one row, whose predictions by model begin at from; what it adds is
// closed as a row.
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
				p.start = append(p.start, len(p.truth))
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
		return t, fmt.Errorf("no rows")
	}
	return t, nil
}
