package predict

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// scratch keeps the predictions of finished folds, so that a run that was
// killed can go on. A file is
//
//	bytes 0-7    "DKSCRAT1"
//	bytes 8-39   SHA-256 of all that the predictions depend on
//	bytes 40-43  fewest views that an image had   } little-
//	the rest     float32 predictions, row-major;  } endian
//	             NaN for images without one
//	32 bytes     SHA-256 of everything before
type scratch struct {
	dir    string
	images [sha256.Size]byte // identity of the images
}

const (
	scratchMagic = "DKSCRAT1"
	scratchExt   = ".scratch"
	scratchHead  = len(scratchMagic) + sha256.Size + 4
)

// newScratch opens the folder, made if needed; nil keeps nothing.
func newScratch(dir string, images []image) (*scratch, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	h := sha256.New()
	for _, m := range images {
		fmt.Fprintf(h, "%q %d %d\n", m.id, m.size, m.time)
	}
	return &scratch{dir, [sha256.Size]byte(h.Sum(nil))}, nil
}

func (s *scratch) path(j *job) string { return filepath.Join(s.dir, j.f.Name+scratchExt) }

// identity is the hash of all that a fold's predictions depend on.
func (s *scratch) identity(j *job) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %s %d %d %d %g %g\n", scratchMagic, j.f.SHA256, j.m.Arch,
		j.m.InputSize, j.m.Classes, j.m.Views, j.m.Dropout, j.f.Threshold)
	if m := j.m; m.Scaling != (vision.Scaling{}) || m.Std != [3]float32{} || m.Alpha != 0 || m.EXIF != 0 {
		fmt.Fprintf(h, "%+v %g %g %d %d\n", m.Scaling, m.Mean, m.Std, m.Alpha, m.EXIF)
	}
	h.Write(s.images[:])
	return h.Sum(nil)
}

// save keeps the predictions of a finished fold.
func (s *scratch) save(j *job, predictions []float32) error {
	f, err := atomicfile.Create(s.path(j))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), 1<<20)
	w.WriteString(scratchMagic)
	w.Write(s.identity(j))
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(j.least))
	w.Write(b[:])
	for _, p := range predictions {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(p))
		w.Write(b[:])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := f.Write(h.Sum(nil)); err != nil {
		return err
	}
	return f.Commit()
}

// errOther is that a scratch file is of another run.
var errOther = errors.New("made by another run")

// load fills the predictions of a fold from the file of an earlier run and
// returns the fewest views that an image had. The error is fs.ErrNotExist
// where there is no file.
func (s *scratch) load(j *job, predictions []float32) (views int, err error) {
	f, err := os.Open(s.path(j))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := sha256.New()
	buffered := bufio.NewReaderSize(f, 1<<20)
	r := io.TeeReader(buffered, h)
	head := make([]byte, scratchHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, fmt.Errorf("%s: %w", s.path(j), err)
	}
	if !bytes.Equal(head[:scratchHead-4], append([]byte(scratchMagic), s.identity(j)...)) {
		return 0, fmt.Errorf("%s: %w", s.path(j), errOther)
	}
	piece := make([]byte, 1<<16)
	for rest := predictions; len(rest) > 0; {
		n := min(len(rest), len(piece)/4)
		if _, err := io.ReadFull(r, piece[:4*n]); err != nil {
			return 0, fmt.Errorf("%s: %w", s.path(j), err)
		}
		for i := range n {
			rest[i] = math.Float32frombits(binary.LittleEndian.Uint32(piece[4*i:]))
		}
		rest = rest[n:]
	}
	want := h.Sum(nil)
	sum, err := io.ReadAll(io.LimitReader(buffered, sha256.Size+1))
	if err != nil || !bytes.Equal(sum, want) {
		return 0, fmt.Errorf("%s: damaged", s.path(j))
	}
	return int(binary.LittleEndian.Uint32(head[scratchHead-4:])), nil
}

// remove deletes the files of these folds, and the folder if it is empty then.
func (s *scratch) remove(jobs []*job) {
	for _, j := range jobs {
		os.Remove(s.path(j))
		atomicfile.Sweep(s.path(j))
	}
	os.Remove(s.dir)
}
