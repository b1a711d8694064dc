// Package input finds the files that a kernel reads under its input root: weight
// files, the sample submission, key files and items, wherever they are mounted. An item
// is what a network answers about, such as an image. Its decoder says which endings the
// files of items have.
//
//	found, err := input.Find(ctx, input.DefaultRoot(), input.Wanted{
//		Weights: []string{"2b_se_resnext50_f0_e14_0.5975"}, Endings: vision.Endings(),
//	})
//	table, err := input.ReadTableFile(found.Samples[0])
//	images, err := found.Items(ctx, table.IDs())
//	path, ok := images.Path("1165e02531758026")
//
// [Find] needs no folder names. It walks the root breadth first, in the order of
// names, so the same tree gives the same result. It recognizes a folder of items by
// its first entries and does not read the rest. It still finds files in it whose names
// it knows. It follows links to folders and visits each real folder once.
//
// Folders that cannot be read become warnings, not errors. Find refuses a root that
// is not a folder, and stops with a warning after 50,000 folders.
package input

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

// WeightsExt is the ending of a plain weight file. An encrypted one ends in
// WeightsExt and [crypt.Ext].
const WeightsExt = ".safetensors"

const (
	// chunk is the number of entries that are read at a time. A folder whose first
	// chunk consists almost only of items is a folder of items.
	chunk = 512
	// maxEntries is the number of entries after which Find leaves any folder.
	maxEntries = 16 * chunk
	maxFolders = 50_000
	maxDepth   = 24
	// maxKey is an upper bound for the size of a key file in bytes.
	maxKey = 4096
)

// Wanted says what Find looks for beside sample submissions, weight files and keys. The
// zero value adds nothing.
type Wanted struct {
	// Weights holds the names of weight files without endings. Find looks for them even
	// in folders that it does not read to the end.
	Weights []string
	// Samples holds further file names of a sample submission.
	Samples []string
	// Endings are those of the files of items.
	Endings Endings
}

// File is a file that Find found. Size is in bytes.
type File struct {
	Path string
	Size int64
}

// Found is the result of [Find]. Its lists are sorted by depth, then by path.
type Found struct {
	Root     string
	Samples  []string // files named like a sample submission, the best first
	Weights  []File   // plain and encrypted weight files of any name
	Keys     []string // small files that end in .key
	Warnings []string // what could not be read, and why

	folders []folder
	endings Endings
}

// folder is a folder that contains files.
type folder struct {
	path    string
	abs     string // absolute, with slashes
	rel     string // relative to the root
	depth   int
	exts    []string // endings of its items, in their spelling
	partial bool     // not read to the end
}

func newFolder(path, rel string, depth int) folder {
	f := folder{path: path, rel: rel, depth: depth, abs: path}
	if abs, err := filepath.Abs(path); err == nil {
		f.abs = abs
	}
	f.abs = filepath.ToSlash(f.abs)
	return f
}

// DefaultRoot returns ../input if that is a folder, else /kaggle/input.
func DefaultRoot() string {
	near := filepath.Join("..", "input")
	if info, err := os.Stat(near); err == nil && info.IsDir() {
		return near
	}
	return "/kaggle/input"
}

// Find walks the tree under root. It returns an error if root is not a folder or ctx
// ends.
func Find(ctx context.Context, root string, wanted Wanted) (*Found, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("input root: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("input root: %s is not a folder", root)
	}
	w := &walk{found: &Found{Root: root, endings: wanted.Endings}, samples: wanted.Samples, seen: map[string]bool{}}
	w.names = append(append(w.names, wanted.Samples...), probedNames...)
	for _, name := range wanted.Weights {
		w.names = append(w.names, name+WeightsExt, name+WeightsExt+crypt.Ext)
	}
	w.enter(root, 0)
	for len(w.queue) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := w.queue
		w.queue = nil
		slices.SortFunc(next, func(a, b stop) int { return strings.Compare(a.path, b.path) })
		for _, s := range next {
			w.visit(s)
		}
	}
	slices.SortFunc(w.found.Weights, func(a, b File) int { return byDepth(a.Path, b.Path) })
	sortSamples(w.found.Samples, wanted.Samples)
	slices.SortFunc(w.found.Keys, byDepth)
	return w.found, nil
}

func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(depth(a), depth(b)), strings.Compare(a, b))
}

// walk is the state of one Find.
type walk struct {
	found   *Found
	names   []string        // file names to look for in folders of items
	samples []string        // further names of a sample submission
	seen    map[string]bool // real paths of all folders queued so far
	queue   []stop
	full    bool
}

// stop is a folder to visit.
type stop struct {
	path  string
	depth int
}

// enter queues a folder unless it was queued before.
func (w *walk) enter(path string, depth int) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		w.warn(err)
		return
	}
	if w.seen[real] {
		return
	}
	if len(w.seen) >= maxFolders || depth > maxDepth {
		if !w.full {
			w.found.Warnings = append(w.found.Warnings, fmt.Sprintf("%s: too many or too deep folders, the rest is left out", path))
		}
		w.full = true
		return
	}
	w.seen[real] = true
	w.queue = append(w.queue, stop{path, depth})
}

func (w *walk) warn(err error) { w.found.Warnings = append(w.found.Warnings, err.Error()) }

// visit reads a folder, but only the start of a folder of items.
func (w *walk) visit(s stop) {
	d, err := os.Open(s.path)
	if err != nil {
		w.warn(err)
		return
	}
	defer d.Close()
	var total, items, files int
	partial := false
	exts := map[string]bool{}
	var folders, links []string // below this one
	for {
		entries, err := d.ReadDir(chunk)
		for _, e := range entries {
			total++
			if !e.IsDir() {
				files++
				if ext := w.found.endings.of(e.Name()); ext != "" {
					exts[ext] = true
				}
				if w.found.endings.hasItem(e.Name()) {
					items++
					continue
				}
			}
			path := filepath.Join(s.path, e.Name())
			switch {
			case e.IsDir():
				folders = append(folders, path)
			case w.isFolder(path, e):
				links = append(links, path)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.warn(err)
			}
			break
		}
		if items*10 >= total*9 && total >= chunk || total >= maxEntries {
			w.probe(s.path)
			partial = true
			break
		}
	}
	slices.Sort(folders)
	slices.Sort(links)
	for _, path := range append(folders, links...) {
		w.enter(path, s.depth+1)
	}
	if files > 0 {
		rel, err := filepath.Rel(w.found.Root, s.path)
		if err != nil {
			rel = s.path
		}
		f := newFolder(s.path, rel, s.depth)
		f.partial = partial
		for ext := range exts {
			f.exts = append(f.exts, ext)
		}
		slices.Sort(f.exts)
		w.found.folders = append(w.found.folders, f)
	}
}

// isFolder reports whether an entry is a link to a folder. It also records the entry
// if it is a file of interest.
func (w *walk) isFolder(path string, e fs.DirEntry) bool {
	wanted := w.interesting(e.Name())
	if !wanted && e.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path) // follows links
	switch {
	case err != nil && wanted:
		w.warn(err)
	case err == nil && info.Mode().IsRegular() && wanted:
		w.file(path, info.Size())
	}
	return err == nil && info.IsDir()
}

func (w *walk) interesting(name string) bool {
	return w.isSample(name) || strings.HasSuffix(name, WeightsExt) ||
		strings.HasSuffix(name, crypt.Ext) || strings.HasSuffix(name, ".key")
}

func (w *walk) isSample(name string) bool {
	return sampleRank(name) < rankNone || slices.Contains(w.samples, name)
}

func (w *walk) file(path string, size int64) {
	switch name := filepath.Base(path); {
	case w.isSample(name):
		w.found.Samples = append(w.found.Samples, path)
	case strings.HasSuffix(name, ".key"):
		if size <= maxKey {
			w.found.Keys = append(w.found.Keys, path)
		}
	case strings.HasSuffix(name, WeightsExt), strings.HasSuffix(name, crypt.Ext):
		w.found.Weights = append(w.found.Weights, File{path, size})
	}
}

// probe looks for the known file names in a folder that is not read to the end.
func (w *walk) probe(dir string) {
	for _, name := range w.names {
		path := filepath.Join(dir, name)
		if w.has(path) {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			w.file(path, info.Size())
		}
	}
}

// has reports whether path is already found.
func (w *walk) has(path string) bool {
	return slices.Contains(w.found.Samples, path) ||
		slices.ContainsFunc(w.found.Weights, func(f File) bool { return f.Path == path })
}
