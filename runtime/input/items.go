package input

import (
	"context"
	"io/fs"
	"os"
)

// Items maps ids to the files of items, such as images. It is immutable and safe for
// concurrent use.
type Items struct {
	paths map[string]string // by id
}

// Items locates the items of the ids in the folders under the root.
//
// The file of the id 1000 is 1000 with an ending of Wanted.Endings in any spelling, in
// any folder. An id may itself have an ending and folders: train/1000.jpg is a file
// 1000.jpg in a folder train. If there is no 1000.jpg, 1000.JPG and 1000.png are
// accepted. If several folders have a file for an id, the folder with the most ids wins.
// Ties go to folders named after a test set, then to the one nearest to the root.
//
// A file with an unknown ending is the last resort: its decoder can then report what
// it is. Ids without a file are no error. Items returns an error only if ctx ends.
func (f *Found) Items(ctx context.Context, ids []string) (*Items, error) {
	return locate(ctx, f.folders, f.endings, ids)
}

// ItemsUnder locates the items of the ids in dir and the folders below it, by the rules
// of [Found.Items]. It returns an error if dir is not a folder or ctx ends.
func ItemsUnder(ctx context.Context, dir string, e Endings, ids []string) (*Items, error) {
	f, err := Find(ctx, dir, Wanted{Endings: e})
	if err != nil {
		return nil, err
	}
	return f.Items(ctx, ids)
}

// Path returns the file of an id, and whether there is one.
func (m *Items) Path(id string) (string, bool) {
	path, ok := m.paths[id]
	return path, ok
}

// Stat returns the file of an id and its file info. ok is false if there is no such
// file, or if it is not a regular one.
func (m *Items) Stat(id string) (path string, info fs.FileInfo, ok bool) {
	path, ok = m.paths[id]
	if !ok {
		return "", nil, false
	}
	info, err := os.Stat(path)
	return path, info, err == nil && info.Mode().IsRegular()
}

// Len returns the number of ids with a file.
func (m *Items) Len() int { return len(m.paths) }
