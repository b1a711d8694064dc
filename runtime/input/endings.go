package input

import (
	"path/filepath"
	"slices"
	"strings"
)

// Endings lists the endings of the files that hold items, such as images. Each has a dot
// and is in lower case; files may spell it otherwise.
type Endings struct {
	// Decoded are the endings of files that a decoder reads, the preferred first.
	Decoded []string
	// Known are further endings of such files. They help to recognize a folder of items,
	// but no decoder reads them.
	Known []string
}

// Has reports whether name has the ending of a file that a decoder reads.
func (e Endings) Has(name string) bool { return e.of(name) != "" }

// of returns the ending of a file that a decoder reads, as it is spelled, or "".
func (e Endings) of(name string) string {
	ext := filepath.Ext(name)
	if slices.Contains(e.Decoded, strings.ToLower(ext)) {
		return ext
	}
	return ""
}

// hasItem reports whether a file is named like an item.
func (e Endings) hasItem(name string) bool {
	return e.of(name) != "" || slices.Contains(e.Known, strings.ToLower(filepath.Ext(name)))
}
