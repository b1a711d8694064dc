// Package datasets divides files among datasets, within Kaggle's limits and one's
// own.
//
//	boxes, err := pack.Split(files, previous, pack.Limits{Files: 50, Bytes: 200e9})
//
// A file that was in a dataset before stays there while it fits, so that adding
// a model uploads that model only. It refuses a file that is larger than a
// dataset may be.
package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// File is something to upload.
type File struct {
	Name string
	Size int64 // bytes
}

// Limits bound one dataset. A zero means no limit.
type Limits struct {
	Files int
	Bytes int64
}

// fits reports whether one more file of size bytes can join n files of total
// bytes.
func (l Limits) fits(n int, total, size int64) bool {
	return (l.Files == 0 || n < l.Files) && (l.Bytes == 0 || total+size <= l.Bytes)
}

// Split returns the files of each dataset, sorted by name. previous has the
// names of the files in each dataset as it was uploaded; names that are no more
// among files are forgotten. A dataset in the middle may come to be empty.
func Split(files []File, previous [][]string, l Limits) ([][]File, error) {
	boxes := make([][]File, len(previous))
	totals := make([]int64, len(previous))
	put := func(i int, f File) bool {
		if !l.fits(len(boxes[i]), totals[i], f.Size) {
			return false
		}
		boxes[i] = append(boxes[i], f)
		totals[i] += f.Size
		return true
	}
	sorted := slices.SortedFunc(slices.Values(files), byName)
	var rest []File
	for _, f := range sorted {
		i := slices.IndexFunc(previous, func(names []string) bool { return slices.Contains(names, f.Name) })
		if i < 0 || !put(i, f) {
			rest = append(rest, f)
		}
	}
	for _, f := range rest {
		if !l.fits(0, 0, f.Size) {
			return nil, fmt.Errorf("%s: %d bytes; a dataset may have %d", f.Name, f.Size, l.Bytes)
		}
		if !slices.ContainsFunc(indices(boxes), func(i int) bool { return put(i, f) }) {
			boxes, totals = append(boxes, []File{f}), append(totals, f.Size)
		}
	}
	for len(boxes) > 0 && len(boxes[len(boxes)-1]) == 0 {
		boxes = boxes[:len(boxes)-1]
	}
	for _, b := range boxes {
		slices.SortFunc(b, byName)
	}
	return boxes, nil
}

func indices(boxes [][]File) []int {
	all := make([]int, len(boxes))
	for i := range all {
		all[i] = i
	}
	return all
}

func byName(a, b File) int { return strings.Compare(a.Name, b.Name) }
