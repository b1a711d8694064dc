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
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// scratch keeps the predictions of finished folds in a folder, from which a run that was
// killed resumes. The format of a file, with little-endian numbers, is:
//
//	bytes 0-7    "DKSCRAT1"
//	bytes 8-39   SHA-256 of everything that determines the predictions
//	bytes 40-43  uint32: the fewest views that an image got
//	then         float32 predictions, images × classes; NaN for images without prediction
//	last 32      SHA-256 of all bytes before
type scratch struct {
	dir    string
	images [sha256.Size]byte // hash of ids, sizes and times of the images
}

const (
	scratchMagic = "DKSCRAT1"
	scratchExt   = ".scratch"
	scratchHead  = len(scratchMagic) + sha256.Size + 4
)

// newScratch returns the scratch folder dir, which it makes if needed; nil if dir is "".
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

func (s *scratch) path(j *pace.Job) string { return filepath.Join(s.dir, j.Fold.Name+scratchExt) }

// identity returns the hash of everything that determines a fold's predictions.
func (s *scratch) identity(j *pace.Job) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %s %d %d %d %g %g\n", scratchMagic, j.Fold.SHA256, j.Model.Arch,
		j.Model.InputSize, j.Model.Classes, j.Model.Views, j.Model.Dropout, j.Fold.Threshold)
	if m := j.Model; m.Scaling != (vision.Scaling{}) || m.Std != [3]float32{} || m.Alpha != 0 || m.EXIF != 0 {
		fmt.Fprintf(h, "%+v %g %g %d %d\n", m.Scaling, m.Mean, m.Std, m.Alpha, m.EXIF)
	}
	if j.Model.Task != task.Multilabel {
		fmt.Fprintln(h, j.Model.Task)
	}
	h.Write(s.images[:])
	return h.Sum(nil)
}

// save writes the predictions of a finished fold.
func (s *scratch) save(j *pace.Job, predictions []float32) error {
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
	binary.LittleEndian.PutUint32(b[:], uint32(j.Views))
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

// errOther is returned for a scratch file of other weights or other images.
var errOther = errors.New("made by another run")

// load reads the predictions of a fold that an earlier run saved. It returns the fewest
// views that an image got. The error is fs.ErrNotExist if there is no file. After an
// error predictions has arbitrary contents.
func (s *scratch) load(j *pace.Job, predictions []float32) (views int, err error) {
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

// remove deletes the files of the jobs, and the folder if nothing else is in it.
func (s *scratch) remove(jobs []*pace.Job) {
	for _, j := range jobs {
		os.Remove(s.path(j))
		atomicfile.Sweep(s.path(j))
	}
	os.Remove(s.dir)
}
