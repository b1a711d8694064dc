// Package fold divides the rows of a table into folds, in each of which every label is as
// frequent as in the whole table.
//
//	folds, err := fold.Stratify(labels, fold.Options{Folds: 5})
//	err = foldfile.Write("folds.npy", folds)
//
// The method is iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the
// Stratification of Multi-Label Data", ECML PKDD 2011, algorithm 1). It takes the rarest
// label first, and puts each of its rows into the fold that lacks the label most. With one
// label per row, that is the usual stratified k-fold. Rows of one group, such as
// near-copies of an image, stay together; with one label per row, groups are placed as by
// scikit-learn's StratifiedGroupKFold. The same labels, groups and seed give the same
// folds.
//
// Rows of the fold [foldfile.Always] are never held out.
package fold

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
)

// Options configures Stratify.
type Options struct {
	Folds int // 2 to 254
	// Groups names the group of each row; rows of one group stay together. nil puts
	// every row into a group of its own.
	Groups []string
	Seed   uint64
}

// Stratify returns the fold of every row, given the labels of every row. It refuses more
// folds than groups.
func Stratify(labels [][]int, o Options) ([]uint8, error) {
	if o.Folds < 2 || o.Folds >= foldfile.Always {
		return nil, fmt.Errorf("%d folds: there can be 2 to %d", o.Folds, foldfile.Always-1)
	}
	if o.Groups != nil && len(o.Groups) != len(labels) {
		return nil, fmt.Errorf("%d groups for %d rows", len(o.Groups), len(labels))
	}
	units := group(labels, o.Groups)
	if len(units) < o.Folds {
		return nil, fmt.Errorf("%d rows that may be parted, for %d folds", len(units), o.Folds)
	}
	d := newDivision(units, len(labels), o)
	if o.Groups != nil && singles(labels) {
		d.placeGroups()
	}
	for {
		label, ok := d.rarest()
		if !ok {
			break
		}
		for _, u := range d.has[label] {
			if !d.units[u].placed {
				d.place(u, d.best(label))
			}
		}
	}
	for u := range d.units { // rows without labels
		if !d.units[u].placed {
			d.place(u, d.best(-1))
		}
	}
	folds := make([]uint8, len(labels))
	for _, u := range d.units {
		for _, row := range u.rows {
			folds[row] = u.fold
		}
	}
	return folds, nil
}

// unit is a group of rows that stay together.
type unit struct {
	rows   []int
	labels map[int]int // rows that have a label, by label
	placed bool
	fold   uint8
}

// group returns the units, in the order of their first rows.
func group(labels [][]int, groups []string) []unit {
	var units []unit
	index := map[string]int{}
	for row, list := range labels {
		at, known := len(units), false
		if groups != nil {
			if at, known = index[groups[row]]; !known {
				at = len(units)
				index[groups[row]] = at
			}
		}
		if !known {
			units = append(units, unit{labels: map[int]int{}})
		}
		units[at].rows = append(units[at].rows, row)
		for _, label := range list {
			units[at].labels[label]++
		}
	}
	return units
}

// division is the state of the algorithm.
type division struct {
	units  []unit
	has    map[int][]int     // units, by label
	left   map[int]int       // rows that are not placed yet, by label
	order  []int             // all labels, ascending
	wanted []map[int]float64 // rows that a fold still lacks, by fold and label
	room   []float64         // rows that a fold still lacks, by fold
	rng    *rand.Rand
}

func newDivision(units []unit, rows int, o Options) *division {
	d := &division{
		units: units, has: map[int][]int{}, left: map[int]int{},
		rng: rand.New(rand.NewPCG(o.Seed, 0x666f6c6473)), // "folds"
	}
	for i, u := range units {
		for label, n := range u.labels {
			d.has[label] = append(d.has[label], i)
			d.left[label] += n
		}
	}
	for label := range d.has {
		d.order = append(d.order, label)
	}
	slices.Sort(d.order)
	for range o.Folds {
		want := make(map[int]float64, len(d.order))
		for label, n := range d.left {
			want[label] = float64(n) / float64(o.Folds)
		}
		d.wanted = append(d.wanted, want)
		d.room = append(d.room, float64(rows)/float64(o.Folds))
	}
	return d
}

// rarest returns the label with the fewest unplaced rows; ties go to the lowest label. ok
// reports whether any row with a label is unplaced.
func (d *division) rarest() (label int, ok bool) {
	least := 0
	for _, l := range d.order {
		if n := d.left[l]; n > 0 && (!ok || n < least) {
			label, least, ok = l, n, true
		}
	}
	return label, ok
}

// best returns the fold that lacks a label most. Ties go to the fold that lacks the most
// rows, then to a random one. The label -1 compares rows only.
func (d *division) best(label int) int {
	var best []int
	for f := range d.room {
		if len(best) > 0 {
			b := best[0]
			switch w, v := d.wanted[f][label], d.wanted[b][label]; {
			case w < v, w == v && d.room[f] < d.room[b]:
				continue
			case w > v, d.room[f] > d.room[b]:
				best = best[:0]
			}
		}
		best = append(best, f)
	}
	if len(best) == 1 {
		return best[0]
	}
	return best[d.rng.IntN(len(best))]
}

// place puts unit u into fold f.
func (d *division) place(u, f int) {
	unit := &d.units[u]
	unit.placed, unit.fold = true, uint8(f)
	d.room[f] -= float64(len(unit.rows))
	for label, n := range unit.labels {
		d.wanted[f][label] -= float64(n)
		d.left[label] -= n
	}
}

// errNone is returned when a fold has no rows.
var errNone = errors.New("no rows")

// Split returns the rows outside of a fold, to train on, and the rows in it, in order. It
// returns an error if either list is empty.
func Split(folds []uint8, fold int) (train, held []int, err error) {
	for row, f := range folds {
		if int(f) == fold {
			held = append(held, row)
		} else {
			train = append(train, row)
		}
	}
	if len(held) == 0 {
		return nil, nil, fmt.Errorf("fold %d: %w", fold, errNone)
	}
	if len(train) == 0 {
		return nil, nil, fmt.Errorf("outside of fold %d: %w", fold, errNone)
	}
	return train, held, nil
}
