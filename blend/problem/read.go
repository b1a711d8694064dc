package problem

import (
	"context"
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// ReadSign reads and prunes the predictions of a set, several folds at once. It calls
// progress with the number of values read since the last call; progress may be nil.
func ReadSign(ctx context.Context, set *oof.Set, o Options, progress func(values int)) (*Sign, error) {
	return readSign(ctx, set, o, progress, nil)
}

// readSign is [ReadSign]. It calls sure with the entries of each row, fold by fold, that
// pruning drops and that are given or true; nil is allowed.
func readSign(ctx context.Context, set *oof.Set, o Options, progress func(values int), sure func(fold int, marks []mark)) (*Sign, error) {
	if o.Beta == 0 {
		o.Beta = 2
	}
	if set.Classes > maxClasses {
		return nil, fmt.Errorf("%d classes, %d at most", set.Classes, maxClasses)
	}
	routines, err := vector.Select(os.Getenv(emit.Variable))
	if err != nil {
		return nil, err
	}
	parts := make([]*Sign, set.Truth.Folds)
	err = set.EachFold(ctx, func(ctx context.Context, fold int) error {
		b := newBuilder(set, o, routines)
		if sure != nil {
			b.sure = func(marks []mark) { sure(fold, marks) }
		}
		parts[fold] = b.sign
		return set.Read(ctx, fold, func(block oof.Block) error {
			if !b.add(block) {
				return set.NotFinite(fold, block)
			}
			if progress != nil {
				progress(len(block.Rows) * set.Classes * len(set.Models))
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return join(parts), nil
}

// join concatenates the parts of the folds, and releases each of them.
func join(parts []*Sign) *Sign {
	first := parts[0]
	s := &Sign{options: first.options, set: first.set, models: first.models, width: first.width, start: []int{0}, folds: []int{0}}
	entries, rows := 0, 0
	for _, p := range parts {
		entries += len(p.of)
		rows += len(p.fixed)
	}
	s.of = make([]uint32, 0, entries)
	s.classes = make([]uint16, 0, entries)
	s.columns = make([][]float32, s.models)
	for k := range s.columns {
		s.columns[k] = make([]float32, 0, padded(entries))
	}
	for i, p := range parts {
		shift, row := len(s.of), len(s.fixed)
		for r := range p.fixed {
			s.middle = append(s.middle, p.middle[r]+shift)
			s.start = append(s.start, p.start[r+1]+shift)
		}
		for _, of := range p.of {
			s.of = append(s.of, of+2*uint32(row))
		}
		s.classes = append(s.classes, p.classes...)
		for k := range s.columns {
			s.columns[k] = append(s.columns[k], p.columns[k]...)
		}
		s.fixed = append(s.fixed, p.fixed...)
		s.moments.join(p.moments)
		s.folds = append(s.folds, len(s.fixed))
		parts[i] = nil
	}
	s.pad()
	return s
}

// builder makes the part of one fold.
type builder struct {
	sign   *Sign
	set    *oof.Set
	some   []uint64 // entries of the block that some point gives
	all    []uint64 // entries of the block that every point gives
	truth  []uint64 // entries of the block that are true
	padded [][]float32
	sure   func(marks []mark) // nil, or called with the dropped entries of each row
}

func newBuilder(set *oof.Set, o Options, routines *vector.Set) *builder {
	models := len(set.Models)
	return &builder{
		sign: &Sign{
			options: o, set: routines, models: models, width: set.Classes,
			start: []int{0}, columns: make([][]float32, models),
		},
		set: set, padded: make([][]float32, models),
	}
}

// add adds the rows of a block. It reports whether all values are finite.
func (b *builder) add(block oof.Block) bool {
	n := len(block.Predictions[0])
	words := (n + 63) / 64
	for k, p := range block.Predictions {
		b.padded[k] = p[:words*64]
		clear(b.padded[k][n:])
	}
	for len(b.some) < words {
		b.some, b.all, b.truth = append(b.some, 0), append(b.all, 0), append(b.truth, 0)
	}
	b.shift(block)
	offset := float32(b.sign.options.MaxOffset)
	if !b.sign.set.Split(b.some[:words], b.all[:words], b.padded, -offset, offset) {
		return false
	}
	for i := range words {
		b.some[i] &^= b.all[i]
	}
	b.sign.moments.add(block, b.set.Classes)
	for i, row := range block.Rows {
		b.row(block, i*b.set.Classes, b.set.Labels[row])
	}
	return true
}

// shift subtracts the offsets of the classes from the predictions.
func (b *builder) shift(block oof.Block) {
	offsets := b.sign.options.ClassOffsets
	if offsets == nil {
		return
	}
	for _, p := range block.Predictions {
		for i := 0; i < len(p); i += len(offsets) {
			for c, o := range offsets {
				p[i+c] = float32(float64(p[i+c]) - o)
			}
		}
	}
}

// row adds the row that begins at from. b.some holds the entries to keep. In a mean
// over rows, a row without true labels always scores 0, and row keeps none of its
// entries.
func (b *builder) row(block oof.Block, from int, labels []int) {
	s := b.sign
	to := from + b.set.Classes
	for _, c := range labels {
		add(b.truth, from+c)
	}
	fixed := counts{truth: uint32(len(labels)), given: uint32(count(b.all, from, to))}
	of := 2 * uint32(len(s.fixed))
	keep := func(i int, of uint32) {
		s.of = append(s.of, of)
		s.classes = append(s.classes, uint16(i-from))
		for k, p := range block.Predictions {
			s.columns[k] = append(s.columns[k], p[i])
		}
	}
	each(b.truth, from, to, func(i int) {
		if has(b.some, i) {
			keep(i, of+1)
		} else if has(b.all, i) {
			fixed.hits++
		}
	})
	s.middle = append(s.middle, len(s.of))
	if len(labels) > 0 || s.options.together() {
		each(b.some, from, to, func(i int) {
			if !has(b.truth, i) {
				keep(i, of)
			}
		})
	}
	s.start = append(s.start, len(s.of))
	s.fixed = append(s.fixed, fixed)
	if b.sure != nil {
		b.sure(b.marks(from, to))
	}
	for _, c := range labels {
		remove(b.truth, from+c)
	}
}

// marks returns the entries of the row from..to-1 that pruning drops and that are given
// or true.
func (b *builder) marks(from, to int) []mark {
	var marks []mark
	each(b.all, from, to, func(i int) {
		if !has(b.truth, i) {
			marks = append(marks, newMark(i-from, 1, 0))
		}
	})
	each(b.truth, from, to, func(i int) {
		switch {
		case has(b.all, i):
			marks = append(marks, newMark(i-from, 1, 1))
		case !has(b.some, i):
			marks = append(marks, newMark(i-from, 0, 1))
		}
	})
	return marks
}
