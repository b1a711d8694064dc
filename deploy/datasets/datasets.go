// Package datasets divides files among datasets, within limits of their number and
// size.
//
//	boxes, err := datasets.Split(files, previous, datasets.Limits{Files: 50, Bytes: 200e9})
//
// A file stays in its previous dataset while it fits, so adding a model uploads only
// that model. The package refuses a file that is larger than a dataset.
package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// File is a file to upload.
type File struct {
	Name string
	Size int64 // bytes
}

// Limits bound one dataset. Zero means no limit.
type Limits struct {
	Files int   // number of files
	Bytes int64 // sum of their sizes
}

// fits reports whether a file of size bytes fits beside n files of total bytes.
func (l Limits) fits(n int, total, size int64) bool {
	return (l.Files == 0 || n < l.Files) && (l.Bytes == 0 || total+size <= l.Bytes)
}

// Split returns the files of each dataset, sorted by name. previous lists the names of
// the files in each dataset of the last upload; names that files lacks are ignored. A
// dataset that is not the last one may become empty.
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
