package problem

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// foldRows holds the rows of one fold.
type foldRows interface {
	// rows returns their number.
	rows() int
}

// folded holds a problem's rows by fold, for scores that need more than the signs of
// predictions. Problems of fewer folds share the parts.
type folded[P foldRows] struct {
	models  int
	parts   []P
	moments moments
}

// readFolds reads several folds at once. Each model has so many predictions of a row.
// empty returns a part without rows, and add appends a block to the part of a fold.
// progress is as in [ReadArgmax].
func readFolds[P foldRows](ctx context.Context, set *oof.Set, columns int, progress func(int),
	empty func() P, add func(p P, fold int, b oof.Block),
) (folded[P], error) {
	models := len(set.Models)
	all := folded[P]{models: models, parts: make([]P, set.Truth.Folds)}
	found := make([]moments, set.Truth.Folds)
	err := set.EachFold(ctx, func(ctx context.Context, fold int) error {
		p := empty()
		all.parts[fold] = p
		return set.Read(ctx, fold, func(b oof.Block) error {
			if err := set.NotFinite(fold, b); err != nil {
				return err
			}
			found[fold].add(b, columns)
			add(p, fold, b)
			if progress != nil {
				progress(len(b.Rows) * columns * models)
			}
			return nil
		})
	})
	for _, m := range found {
		all.moments.join(m)
	}
	return all, err
}

// Models returns the number of coefficients of a point.
func (p *folded[P]) Models() int { return p.models }

// MaxOffset returns 0: these scores have no offset.
func (p *folded[P]) MaxOffset() float64 { return 0 }

// Folds returns the number of folds.
func (p *folded[P]) Folds() int { return len(p.parts) }

// FoldStarts returns the first row of each fold, and after them the number of rows.
func (p *folded[P]) FoldStarts() []int {
	starts := []int{0}
	for i, part := range p.parts {
		starts = append(starts, starts[i]+part.rows())
	}
	return starts
}

// Rows returns the number of rows.
func (p *folded[P]) Rows() int { return p.FoldStarts()[len(p.parts)] }

// Correlation is like [Sign.Correlation].
func (p *folded[P]) Correlation(model int) float64 { return p.moments.correlation(model) }

// choose returns the parts of some folds.
func (p *folded[P]) choose(folds []int) folded[P] {
	sub := folded[P]{models: p.models}
	for _, f := range folds {
		sub.parts = append(sub.parts, p.parts[f])
	}
	return sub
}

// drop returns the parts of one model less, each made by less.
func (p *folded[P]) drop(less func(part P) P) folded[P] {
	sub := folded[P]{models: p.models - 1}
	for _, part := range p.parts {
		sub.parts = append(sub.parts, less(part))
	}
	return sub
}
