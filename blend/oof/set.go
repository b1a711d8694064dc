package oof

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"golang.org/x/sync/errgroup"
)

// Set is a set of models whose files match each other and the truth. Nothing changes
// it after [Open].
type Set struct {
	Models []Model
	Truth  *Truth
	Task   task.Task
	// Columns is the number of values of a prediction: Task.Values(Classes).
	Columns int
	// Classes is the number of classes, grades or targets.
	Classes int
	// Labels holds the class numbers of each row of the table, without duplicates. Nil
	// for a regression.
	Labels [][]int
	// Values holds the targets of a regression, rows x Classes. Else nil.
	Values []float32
	// Bytes is the total size of the files.
	Bytes int64
}

// blockRows is the number of rows in a block.
const blockRows = 64

// Block holds the predictions of consecutive rows of a fold.
type Block struct {
	// Rows holds the row numbers in the table.
	Rows []int
	// Predictions holds len(Rows) x Classes values per model. The next block
	// overwrites them. Their capacity is a multiple of 64 values, and the caller may
	// write to all of it.
	Predictions [][]float32
}

// Open reads the header of every file. It returns an error that names every file that
// does not fit.
func Open(truth *Truth, models []Model) (*Set, error) {
	if len(models) == 0 {
		return nil, errors.New("no models")
	}
	s := &Set{
		Models: models, Truth: truth, Task: truth.Task,
		Classes: truth.Table.Classes, Labels: truth.Table.Labels, Values: truth.Table.Values,
	}
	var errs []error
	for _, m := range models {
		for fold, path := range m.Files {
			errs = append(errs, s.header(path, fold))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if want := s.Task.Values(s.Classes); s.Columns != want {
		return nil, fmt.Errorf("%s: %d columns, but a %s model of the %d classes in %s predicts %d",
			models[0].Files[0], s.Columns, s.Task, s.Classes, truth.Table.Name, want)
	}
	return s, nil
}

// header checks the header of one file and adds its size.
func (s *Set) header(path string, fold int) error {
	f, err := npy.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s.Bytes += f.Size
	rows := len(s.Truth.Rows[fold])
	switch {
	case f.CheckFloat() != nil:
		return fmt.Errorf("%s: %w", path, f.CheckFloat())
	case len(f.Shape) != 2 || f.Shape[1] == 0:
		return fmt.Errorf("%s: shape %v; it must be (rows, classes)", path, f.Shape)
	case f.Shape[0] != rows:
		err := fmt.Errorf("%s: %d rows, but fold %d has %d in %s", path, f.Shape[0], fold, rows, s.Truth.path)
		for other, r := range s.Truth.Rows {
			if len(r) == f.Shape[0] {
				return hint.New(err, "fold %d has as many: are these its rows?", other)
			}
		}
		return err
	case s.Columns != 0 && f.Shape[1] != s.Columns:
		return fmt.Errorf("%s: %d classes, but %s has %d", path, f.Shape[1], s.Models[0].Files[0], s.Columns)
	}
	s.Columns = f.Shape[1]
	return nil
}

// Read calls do with each block of a fold in order. It may run for several folds at
// once.
func (s *Set) Read(ctx context.Context, fold int, do func(Block) error) error {
	files, err := s.open(fold)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err != nil {
		return err
	}
	buffers := make([][]float32, len(files))
	for i := range buffers {
		buffers[i] = make([]float32, (blockRows*s.Columns+63)/64*64)
	}
	all := s.Truth.Rows[fold]
	for first := 0; first < len(all); first += blockRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := Block{Rows: all[first:min(first+blockRows, len(all))], Predictions: make([][]float32, len(files))}
		for i, f := range files {
			b.Predictions[i] = buffers[i][:len(b.Rows)*s.Columns]
			if err := f.ReadAt(b.Predictions[i], first*s.Columns); err != nil {
				return err
			}
		}
		if err := do(b); err != nil {
			return err
		}
	}
	return nil
}

// EachFold calls do with every fold, several at once. It returns the first error, which
// ends the context of the other calls.
func (s *Set) EachFold(ctx context.Context, do func(ctx context.Context, fold int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for fold := range s.Truth.Folds {
		group.Go(func() error { return do(ctx, fold) })
	}
	return group.Wait()
}

// open opens the files of a fold. The caller closes them, also after an error.
func (s *Set) open(fold int) ([]*npy.File, error) {
	var files []*npy.File
	for _, m := range s.Models {
		f, err := npy.Open(m.Files[fold])
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}

// NotFinite returns an error that names the first NaN or infinity of a block, or nil
// if all values are finite.
func (s *Set) NotFinite(fold int, b Block) error {
	for m, p := range b.Predictions {
		for i, v := range p {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				row := b.Rows[i/s.Columns]
				return fmt.Errorf("%s: %s for class %d of %s, row %d of the table", s.Models[m].Files[fold], notFinite(v), i%s.Columns, s.Truth.Table.IDs[row], row+1)
			}
		}
	}
	return nil
}

// notFinite names a value that is NaN or infinite.
func notFinite(v float32) string {
	switch {
	case math.IsInf(float64(v), 1):
		return "infinity"
	case math.IsInf(float64(v), -1):
		return "minus infinity"
	}
	return "NaN"
}
