package input

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// imageExts are the endings of image files, in the order of preference.
var imageExts = [...]string{".png", ".jpg", ".jpeg", ".gif"}

const (
	// probes is by how many ids the folder of the images is recognised.
	probes = 32
	// maxPlaces bounds the folders that are asked for one id.
	maxPlaces = 64
)

// imageExt returns the ending of an image file's name as it is spelled, or "".
func imageExt(name string) string {
	ext := filepath.Ext(name)
	if slices.Contains(imageExts[:], strings.ToLower(ext)) {
		return ext
	}
	return ""
}

// Images tells where the image of an id lies. It may be used by any number of
// goroutines.
type Images struct {
	places []place
}

// place is a folder with one ending of names.
type place struct {
	dir, ext string
	hits     int
}

// Images looks for the folders that hold the images named by the ids: those
// that have more of a spread of the ids come first.
func (f *Found) Images(ids []string) *Images {
	some := spread(ids, probes)
	var places []place
	for _, dir := range f.folders {
		for _, ext := range append(slices.Clone(dir.exts), "") {
			p := place{dir: dir.path, ext: ext}
			for _, id := range some {
				if _, _, ok := p.stat(id); ok {
					p.hits++
				}
			}
			// A folder read in part may have other endings than those seen,
			// but a name that needs none added is an image's or no place.
			if ext != "" || p.hits > 0 {
				places = append(places, p)
			}
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.hits, a.hits), byDepth(a.dir, b.dir))
	})
	return &Images{places: places[:min(len(places), maxPlaces)]}
}

// spread returns up to n of the ids, from everywhere.
func spread(ids []string, n int) []string {
	if len(ids) <= n {
		return ids
	}
	some := make([]string, n)
	for i := range some {
		some[i] = ids[i*len(ids)/n]
	}
	return some
}

// ImagesIn looks for images in one folder only.
func ImagesIn(dir string) *Images {
	m := &Images{}
	for _, ext := range append(imageExts[:], "") {
		m.places = append(m.places, place{dir: dir, ext: ext})
	}
	return m
}

// Path returns the file of the image of that id, and whether there is one.
func (m *Images) Path(id string) (string, bool) {
	path, _, ok := m.Stat(id)
	return path, ok
}

// Stat is Path with what the file system says of the file.
func (m *Images) Stat(id string) (path string, info fs.FileInfo, ok bool) {
	for _, p := range m.places {
		if path, info, ok := p.stat(id); ok {
			return path, info, true
		}
	}
	return "", nil, false
}

// Folders returns the folders that hold images of the ids, best first.
func (m *Images) Folders() []string {
	var dirs []string
	for _, p := range m.places {
		if p.hits > 0 && !slices.Contains(dirs, p.dir) {
			dirs = append(dirs, p.dir)
		}
	}
	return dirs
}

// stat returns the file of an id here. An id is a file name, never a path out
// of the folder.
func (p place) stat(id string) (string, fs.FileInfo, bool) {
	if id == "" || strings.ContainsAny(id, `/\`) || p.ext == "" && imageExt(id) == "" {
		return "", nil, false
	}
	path := filepath.Join(p.dir, id+p.ext)
	info, err := os.Stat(path)
	return path, info, err == nil && info.Mode().IsRegular()
}
