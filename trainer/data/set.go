// Package data reads a training table and feeds batches of images and labels to a network.
//
//	set, err := data.Open(ctx, data.Source{CSV: "train.csv", Labels: labeltable.Options{Classes: 1103}, Dirs: []string{"train"}})
//	damaged, err := set.CheckImages(ctx, 0, progress)
//	loader := data.NewLoader(set, rows, data.Options{Batch: 16, Size: 288, …})
//	stream := loader.Start(ctx, epoch, 0)
//	defer stream.Close()
//	for batch, err := stream.Next(); batch != nil; batch, err = stream.Next() { … }
//
// A [Set] is a table that passed all checks: it has rows, no id twice, no label out of
// range and no missing image. [Set.CheckImages] finds images that cannot be decoded.
//
// A [Loader] decodes and augments images in several goroutines, a few batches ahead. A
// batch depends only on the seed, the epoch and its place in the epoch, not on the number
// of workers or on where the epoch was resumed.
package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// Source says where the files of a set are.
type Source struct {
	CSV    string   // the table
	Dirs   []string // folders of the images; the first that has an image counts
	Labels labeltable.Options
}

// Set is a table of images with their labels. After Open, only Decoder may change: Open
// sets it to all formats, with the defaults for transparency and orientation.
type Set struct {
	*labeltable.Table
	Task    task.Task
	Paths   []string // the image of each row
	Decoder vision.Decoder
}

// maxListed limits the mistakes of one kind that an error lists.
const maxListed = 5

// Open reads a table and locates its images in s.Dirs and the folders below. It reports
// all mistakes at once.
func Open(ctx context.Context, s Source) (*Set, error) {
	t, err := labeltable.Open(s.CSV, s.Labels)
	if t == nil {
		return nil, err
	}
	if len(t.IDs) == 0 {
		return nil, fmt.Errorf("%s: the table has no rows", s.CSV)
	}
	set := &Set{Table: t, Task: s.Labels.Task, Decoder: vision.Decoder{Formats: formats.All()}}
	var wrong errorList
	seen := make(map[string]int, len(t.IDs))
	for i, id := range t.IDs {
		if line, twice := seen[id]; twice {
			wrong.add("ids that come twice", fmt.Errorf("%s:%d: the id %q is there already, on line %d", s.CSV, t.Lines[i], id, line))
		}
		seen[id] = t.Lines[i]
	}
	if err := set.find(ctx, s.Dirs, &wrong); err != nil {
		return nil, err
	}
	if err := errors.Join(err, wrong.err()); err != nil {
		return nil, err
	}
	return set, nil
}

// find locates the image of every id. It treats missing folders as empty.
func (s *Set) find(ctx context.Context, dirs []string, wrong *errorList) error {
	var folders []*input.Items
	for _, d := range dirs {
		if info, err := os.Stat(d); err != nil || !info.IsDir() {
			continue
		}
		images, err := input.ItemsUnder(ctx, d, vision.Endings(), s.IDs)
		if err != nil {
			return err
		}
		folders = append(folders, images)
	}
	for _, id := range s.IDs {
		path, ok := "", false
		for _, f := range folders {
			if path, ok = f.Path(id); ok {
				break
			}
		}
		if !ok {
			wrong.add("images that are missing", fmt.Errorf("%s: there is no image of %q in %s", s.Name, id, strings.Join(dirs, " or ")))
		}
		s.Paths = append(s.Paths, path)
	}
	return nil
}

// Truth returns the truth of rows, without predictions. The caller must not change it.
func (s *Set) Truth(rows []int) metric.Rows {
	y := metric.Rows{Classes: s.Classes, Task: s.Task}
	for _, r := range rows {
		if s.Task == task.Regression {
			y.Values = append(y.Values, s.row(r)...)
		} else {
			y.Labels = append(y.Labels, s.Labels[r])
		}
	}
	return y
}

// row returns the targets of a regression's row.
func (s *Set) row(r int) []float32 { return s.Values[r*s.Classes:][:s.Classes] }

// Logits returns the number of outputs of a network of the set.
func (s *Set) Logits() int { return s.Task.Logits(s.Classes) }

// Target writes what the network should answer for a row, a value for each logit: the
// targets of a regression, 1 for each label and 0 else, or, of an ordinal task, 1 for
// each grade but the lowest that the row reaches.
func (s *Set) Target(row int, target []float32) {
	if s.Task == task.Regression {
		copy(target, s.row(row))
		return
	}
	clear(target)
	for _, c := range s.Labels[row] {
		if s.Task != task.Ordinal {
			target[c] = 1
			continue
		}
		for k := range c {
			target[k] = 1
		}
	}
}

// Describe returns a target as people write it: class numbers or names, the grade, or
// the targets of a regression. Of a mixture, it names the labels of both images.
func (s *Set) Describe(target []float32) string {
	var parts []string
	grade := 0.0
	for k, v := range target {
		switch {
		case s.Task == task.Regression:
			parts = append(parts, strconv.FormatFloat(float64(v), 'g', 4, 32))
		case s.Task == task.Ordinal:
			grade += float64(v)
		case v > 0:
			parts = append(parts, s.ClassName(k))
		}
	}
	if s.Task == task.Ordinal {
		if whole := int(grade); float64(whole) == grade {
			return s.ClassName(whole)
		}
		return strconv.FormatFloat(grade, 'g', 3, 64)
	}
	if s.Names != nil {
		return strings.Join(parts, ", ")
	}
	return strings.Join(parts, " ")
}

// Counts returns how many of rows have each class.
func (s *Set) Counts(rows []int) []int {
	counts := make([]int, s.Classes)
	for _, r := range rows {
		for _, c := range s.Labels[r] {
			counts[c]++
		}
	}
	return counts
}

// Absent lists the classes that no row of rows has; a regression has none.
func (s *Set) Absent(rows []int) []int {
	if s.Task == task.Regression {
		return nil
	}
	var absent []int
	for c, n := range s.Counts(rows) {
		if n == 0 {
			absent = append(absent, c)
		}
	}
	return absent
}

// errorList collects mistakes of several kinds. Its error has the first few of each kind
// and the number of the others.
type errorList struct {
	kinds []string
	errs  map[string][]error
}

func (l *errorList) add(kind string, err error) {
	if l.errs == nil {
		l.errs = map[string][]error{}
	}
	if l.errs[kind] == nil {
		l.kinds = append(l.kinds, kind)
	}
	l.errs[kind] = append(l.errs[kind], err)
}

func (l *errorList) err() error {
	var all []error
	for _, kind := range l.kinds {
		errs := l.errs[kind]
		all = append(all, errs[:min(len(errs), maxListed)]...)
		if n := len(errs) - maxListed; n > 0 {
			all = append(all, fmt.Errorf("and %d more %s", n, kind))
		}
	}
	return errors.Join(all...)
}
