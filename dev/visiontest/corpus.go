// Package visiontest compares image decoders with Pillow on corpora of files.
//
//	func TestPixelsEqualPillows(t *testing.T) {
//		visiontest.Corpus(t, "testdata", png.Format, visiontest.Damage{Always: []string{"cut-"}})
//	}
//
// runtime/vision/testdata/corpus.py describes a corpus.
package visiontest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// File is a file of a corpus.
type File struct {
	Name          string
	Data          []byte
	Width, Height int
	// Drop and White are the SHA-256 of the pixels without alpha and blended with
	// white. White is "-" if there is no reference.
	Drop, White string
}

// Files reads the corpus in the folder dir.
func Files(tb testing.TB, dir string) []File {
	tb.Helper()
	z, err := zip.OpenReader(filepath.Join(dir, "corpus.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	text, err := os.ReadFile(filepath.Join(dir, "corpus.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	var files []File
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var f File
		if _, err := fmt.Sscan(line, &f.Name, &f.Width, &f.Height, &f.Drop, &f.White); err != nil {
			tb.Fatalf("corpus.txt: %q: %v", line, err)
		}
		r, err := z.Open(f.Name)
		if err != nil {
			tb.Fatal(err)
		}
		if f.Data, err = io.ReadAll(r); err != nil {
			tb.Fatal(err)
		}
		files = append(files, f)
	}
	if len(files) != len(z.File) {
		tb.Fatalf("corpus.txt has %d files, corpus.zip %d", len(files), len(z.File))
	}
	return files
}

// Damage lists the damaged files of a corpus by prefixes of their names. All other files
// must decode without a report of damage.
type Damage struct {
	Always []string // must be reported as damaged
	Maybe  []string // may be reported as damaged
}

// Corpus decodes the corpus in the folder dir, and compares all pixels and the reports of
// damage.
func Corpus(t *testing.T, dir string, f vision.Format, damage Damage) {
	t.Helper()
	files := Files(t, dir)
	for _, file := range files {
		t.Run(file.Name, func(t *testing.T) {
			for alpha, want := range map[vision.Alpha]string{vision.DropAlpha: file.Drop, vision.OverWhite: file.White} {
				if want != "-" {
					check(t, f, file, alpha, want, damage)
				}
			}
		})
	}
	t.Logf("%s: %d files", f.Name, len(files))
}

func check(t *testing.T, f vision.Format, file File, alpha vision.Alpha, want string, damage Damage) {
	t.Helper()
	d := vision.Decoder{Formats: []vision.Format{f}, Alpha: alpha}
	m, err := d.Decode(bytes.NewReader(file.Data))
	if m == nil {
		t.Fatalf("alpha %d: refused: %v", alpha, err)
	}
	named := func(prefix string) bool { return strings.HasPrefix(file.Name, prefix) }
	damaged := slices.ContainsFunc(damage.Always, named)
	if vision.Damaged(err) != damaged && !slices.ContainsFunc(damage.Maybe, named) {
		t.Errorf("alpha %d: error %v, want damage: %v", alpha, err, damaged)
	}
	if m.W != file.Width || m.H != file.Height {
		t.Fatalf("alpha %d: %dx%d pixels, want %dx%d", alpha, m.W, m.H, file.Width, file.Height)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(m.Pix)); got != want {
		t.Errorf("alpha %d: the pixels differ", alpha)
	}
}

// Fuzz fuzzes a decoder: it must refuse a file or return an image, without a panic. The
// small files of the corpus are the seeds.
func Fuzz(f *testing.F, dir string, format vision.Format) {
	for _, file := range Files(f, dir) {
		if len(file.Data) < 1000 {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !format.Match(data[:min(len(data), 64)]) {
			return
		}
		if format.Orientation != nil {
			if o := format.Orientation(data); o < 1 || o > 8 {
				t.Errorf("orientation %d", o)
			}
		}
		m, err := format.Decode(data, vision.OverWhite)
		if refused := err != nil && !vision.Damaged(err); refused != (m == nil) {
			t.Fatalf("image %v with the error %v", m != nil, err)
		}
		if m != nil && (m.W < 1 || m.H < 1 || len(m.Pix) != 3*m.W*m.H) {
			t.Errorf("%dx%d pixels in %d bytes", m.W, m.H, len(m.Pix))
		}
	})
}
