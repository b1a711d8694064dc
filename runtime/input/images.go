package input

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// imageExts lists the endings of files that decoders can read, the preferred first.
var imageExts = [...]string{
	".png", ".jpg", ".jpeg", ".gif", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff",
}

// pictureExts lists further endings of images. They help to recognize a folder of
// images, but no decoder reads them.
var pictureExts = [...]string{
	".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".dcm", ".dicom", ".ico", ".psd", ".svg", ".ppm", ".pgm", ".npy",
}

// imageExt returns the ending of an image file's name as it is spelled, or "".
func imageExt(name string) string {
	ext := filepath.Ext(name)
	if slices.Contains(imageExts[:], strings.ToLower(ext)) {
		return ext
	}
	return ""
}

// isPicture reports whether a file has the ending of any image format.
func isPicture(name string) bool {
	return imageExt(name) != "" || slices.Contains(pictureExts[:], strings.ToLower(filepath.Ext(name)))
}

// Images maps ids to image files. It is immutable and safe for concurrent use.
type Images struct {
	paths map[string]string // by id
}

// Images locates the images of the ids in the folders under the root.
//
// The file of the id 1000 is 1000 with the ending of an image format in any
// spelling, in any folder. An id may itself have an ending and folders:
// train/1000.jpg is a file 1000.jpg in a folder train. If there is no 1000.jpg,
// 1000.JPG and 1000.png are accepted. If several folders have a file for an id, the
// folder with the most ids wins. Ties go to folders named after a test set, then to
// the one nearest to the root.
//
// A file with an unknown ending is the last resort: its decoder can then report what
// it is. Ids without a file are no error. Images returns an error only if ctx ends.
func (f *Found) Images(ctx context.Context, ids []string) (*Images, error) {
	return locate(ctx, f.folders, ids)
}

// ImagesUnder locates the images of the ids in dir and the folders below it, by the
// rules of [Found.Images]. It returns an error if dir is not a folder or ctx ends.
func ImagesUnder(ctx context.Context, dir string, ids []string) (*Images, error) {
	f, err := Find(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	return f.Images(ctx, ids)
}

// Path returns the file of an id, and whether there is one.
func (m *Images) Path(id string) (string, bool) {
	path, ok := m.paths[id]
	return path, ok
}

// Stat returns the file of an id and its file info. ok is false if there is no such
// file, or if it is not a regular one.
func (m *Images) Stat(id string) (path string, info fs.FileInfo, ok bool) {
	path, ok = m.paths[id]
	if !ok {
		return "", nil, false
	}
	info, err := os.Stat(path)
	return path, info, err == nil && info.Mode().IsRegular()
}

// Len returns the number of ids with a file.
func (m *Images) Len() int { return len(m.paths) }
