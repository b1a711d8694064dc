package problem

import (
	"context"
	"errors"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// table holds the entries of each fold.
type table struct {
	folded[*part]
	width int // number of extra values of a row
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

// Entries returns the number of entries that pruning left.
func (t *table) Entries() int {
	entries := 0
	for _, p := range t.parts {
		entries += p.entries()
	}
	return entries
}

// choose returns the table of some folds.
func (t *table) choose(folds []int) table { return table{t.folded.choose(folds), t.width} }

// drop returns the table without one model; it keeps extra as it is.
func (t *table) drop(model int) table {
	return table{t.folded.drop(func(p *part) *part {
		few := *p
		few.models--
		few.values = make([]float32, 0, p.entries()*few.models)
		for i := range p.entries() {
			v := p.entry(i)
			few.values = append(append(few.values, v[:model]...), v[model+1:]...)
		}
		return &few
	}), t.width}
}

// readTable reads several folds at once. add appends the entries and the extra values
// of one row to p; the row's predictions begin at from in each model's block.
func readTable(ctx context.Context, set *oof.Set, width int, progress func(int),
	add func(p *part, fold int, b oof.Block, from int, labels []int),
) (table, error) {
	models := len(set.Models)
	empty := func() *part { return &part{models: models, start: []int{0}} }
	all, err := readFolds(ctx, set, set.Classes, progress, empty, func(p *part, fold int, b oof.Block) {
		for i, row := range b.Rows {
			add(p, fold, b, i*set.Classes, set.Labels[row])
			p.start = append(p.start, len(p.values)/models)
		}
	})
	if err == nil && all.Rows() == 0 {
		err = errors.New("the table has no rows")
	}
	return table{all, width}, err
}
