// Package data brings images and labels to the network.
//
//	set, err := data.Open(ctx, data.Source{CSV: "train.csv", Classes: 1103, Dirs: []string{"train"}})
//	damaged, err := set.CheckImages(ctx, 0, progress)
//	loader := data.NewLoader(set, rows, data.Options{Batch: 16, Size: 288, …})
//	stream := loader.Start(ctx, epoch, 0)
//	defer stream.Close()
//	for batch, err := stream.Next(); batch != nil; batch, err = stream.Next() { … }
//
// A [Set] is a table whose every mistake was found before the first step: no
// rows, ids that come twice, labels out of range, images that are missing;
// [Set.CheckImages] finds those that can't be decoded.
//
// A [Loader] decodes and augments images in several goroutines, some batches
// ahead of the step. What comes out depends on the seed, the epoch, and the
// place in the epoch only: the number of workers, and whether an epoch was begun
// in its middle, change no byte.
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

// Source says where a set comes from.
type Source struct {
	CSV     string   // the table: id,attribute_ids
	Dirs    []string // folders of the images, the first that has one counts
	Classes int      // labels are 0 … Classes-1
}

// Set is a table of images with their labels. It isn't changed after Open, but
// for Decoder: Open sets it to all formats and their default treatments.
type Set struct {
	Name    string // of the table
	Classes int
	IDs     []string
	Lines   []int    // of the table
	Paths   []string // of the images
	Labels  [][]int  // class numbers, ascending, each once
	Decoder vision.Decoder
}

// maxTold is how many mistakes of a kind are told one by one.
const maxTold = 5

// Open reads a table and locates its images, in s.Dirs and in the folders below
// them. It reports all mistakes at once.
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

// find locates the image of every id. A folder that doesn't exist has none.
func (s *Set) find(ctx context.Context, dirs []string, wrong *errorList) error {
	var folders []*input.Images
	for _, d := range dirs {
		if info, err := os.Stat(d); err != nil || !info.IsDir() {
			continue
		}
		images, err := input.ImagesUnder(ctx, d, s.IDs)
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

// Truth returns the labels of some rows.
func (s *Set) Truth(rows []int) [][]int {
	truth := make([][]int, len(rows))
	for i, r := range rows {
		truth[i] = s.Labels[r]
	}
	return truth
}

// Absent lists the classes that none of the rows has.
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

// errorList collects mistakes of several kinds: the first few of each, and how
// many more there are.
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
		all = append(all, errs[:min(len(errs), maxTold)]...)
		if n := len(errs) - maxTold; n > 0 {
			all = append(all, fmt.Errorf("and %d more %s", n, kind))
		}
	}
	return errors.Join(all...)
}
