package oofgen

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// Truth is the training table of the simulated models.
type Truth struct {
	IDs     []string
	Labels  [][]int // class numbers of each row
	Folds   []uint8 // fold of each row
	Classes int
}

// ReadTruth reads a table and its folds. It keeps one of every so many rows. The number
// of classes is the largest class number of the whole table plus one.
func ReadTruth(table, folds string, every int) (*Truth, error) {
	t, err := input.ReadTableFile(table)
	if err != nil {
		return nil, err
	}
	numbers, err := foldfile.Read(folds, len(t.Rows), 0)
	if err != nil {
		return nil, err
	}
	truth := &Truth{}
	for i := range t.Rows {
		labels, err := t.Classes(i, 1<<16)
		if err != nil {
			return nil, err
		}
		if len(labels) > 0 {
			truth.Classes = max(truth.Classes, slices.Max(labels)+1)
		}
		if i%every == 0 {
			truth.add(t.Rows[i].ID, labels, numbers[i])
		}
	}
	return truth, nil
}

// RandomTruth makes rows of one to four random labels, in folds of about equal size.
func RandomTruth(rows, classes, folds int, seed uint64) *Truth {
	r := rand.New(rand.NewPCG(seed, 0))
	truth := &Truth{Classes: classes}
	for i := range rows {
		labels := r.Perm(classes)[:min(classes, 1+r.IntN(4))]
		slices.Sort(labels)
		truth.add(fmt.Sprintf("row%05d", i), labels, uint8(i%folds))
	}
	return truth
}

func (t *Truth) add(id string, labels []int, fold uint8) {
	t.IDs = append(t.IDs, id)
	t.Labels = append(t.Labels, labels)
	t.Folds = append(t.Folds, fold)
}

// write writes train.csv and folds.npy.
func (t *Truth) write(table, folds string) error {
	var b strings.Builder
	b.WriteString("id,attribute_ids\n")
	for i, id := range t.IDs {
		b.WriteString(id + ",")
		for j, l := range t.Labels[i] {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strconv.Itoa(l))
		}
		b.WriteByte('\n')
	}
	if err := atomicfile.WriteFile(table, []byte(b.String())); err != nil {
		return err
	}
	f, err := atomicfile.Create(folds)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := npy.WriteUint8(f, []int{len(t.Folds)}, t.Folds); err != nil {
		return err
	}
	return f.Commit()
}
