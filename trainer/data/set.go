// Package data reads a training table and feeds batches of images and labels to a network.
//
//	set, err := data.Open(ctx, data.Source{CSV: "train.csv", Classes: 1103, Dirs: []string{"train"}})
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
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// Source says where the files of a set are.
type Source struct {
	CSV     string   // the table: id,attribute_ids
	Dirs    []string // folders of the images; the first that has an image counts
	Classes int      // labels are 0 … Classes-1
}

// Set is a table of images with their labels. After Open, only Decoder may change: Open
// sets it to all formats, with the defaults for transparency and orientation.
type Set struct {
	Name    string // path of the table
	Classes int
	IDs     []string // by row, as the other slices
	Lines   []int    // the row's line in the table
	Paths   []string // the row's image
	Labels  [][]int  // class numbers, ascending, each once
	Decoder vision.Decoder
}

// maxListed limits the mistakes of one kind that an error lists.
const maxListed = 5

// Open reads a table and locates its images in s.Dirs and the folders below. It reports
// all mistakes at once.
func Open(ctx context.Context, s Source) (*Set, error) {
	t, err := input.ReadTableFile(s.CSV)
	if err != nil {
		return nil, err
	}
	if len(t.Rows) == 0 {
		return nil, fmt.Errorf("%s: the table has no rows", s.CSV)
	}
	set := &Set{Name: s.CSV, Classes: s.Classes, Decoder: vision.Decoder{Formats: formats.All()}}
	var wrong errorList
	seen := make(map[string]int, len(t.Rows))
	for i, row := range t.Rows {
		if line, twice := seen[row.ID]; twice {
			wrong.add("ids that come twice", fmt.Errorf("%s:%d: the id %q is there already, on line %d", s.CSV, row.Line, row.ID, line))
		}
		seen[row.ID] = row.Line
		classes, err := t.Classes(i, s.Classes)
		if err != nil {
			wrong.add("rows with wrong labels", err)
		}
		slices.Sort(classes)
		set.IDs, set.Lines = append(set.IDs, row.ID), append(set.Lines, row.Line)
		set.Labels = append(set.Labels, slices.Compact(classes))
	}
	if err := set.find(ctx, s.Dirs, &wrong); err != nil {
		return nil, err
	}
	if err := wrong.err(); err != nil {
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

// Truth returns the labels of rows. The caller must not change them.
func (s *Set) Truth(rows []int) [][]int {
	truth := make([][]int, len(rows))
	for i, r := range rows {
		truth[i] = s.Labels[r]
	}
	return truth
}

// Absent lists the classes that no row of rows has.
func (s *Set) Absent(rows []int) []int {
	there := make([]bool, s.Classes)
	for _, r := range rows {
		for _, c := range s.Labels[r] {
			there[c] = true
		}
	}
	var absent []int
	for c, ok := range there {
		if !ok {
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
