package simulate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/cmd/deploy-kernel/internal/deploy"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// submissionName is what a competition takes.
const submissionName = "submission.csv"

// checkFolder compares the folder with its manifest and Kaggle's limits.
func (r *Report) checkFolder(ctx context.Context, dir string, m *deploy.Manifest) error {
	type place struct {
		name string
		want deploy.File
	}
	files := []place{{m.Script.Name, m.Script}, {m.Source.Name, m.Source}}
	for _, d := range m.Datasets {
		if len(d.Files) > templates.MaxDatasetFiles {
			r.problem("%s has %d files; a dataset has %d", d.Folder, len(d.Files), templates.MaxDatasetFiles)
		}
		for _, f := range d.Files {
			if err := templates.CheckFileName(f.Name); err != nil {
				r.problem("%s: %v", d.Folder, err)
			}
			files = append(files, place{filepath.Join(d.Folder, f.Name), f})
		}
	}
	for _, f := range files {
		size, sum, err := hashFile(ctx, filepath.Join(dir, f.name))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			r.problem("%s is missing", f.name)
		case err != nil:
			return err
		case size != f.want.Size || sum != f.want.SHA256:
			r.problem("%s is not the file that was deployed", f.name)
		}
	}
	if m.Script.Size >= templates.MaxScript {
		r.problem("%s has %d bytes; Kaggle takes less than %d", m.Script.Name, m.Script.Size, templates.MaxScript)
	}
	return nil
}

func hashFile(ctx context.Context, path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	var size int64
	for {
		n, err := io.CopyN(h, f, 64<<20)
		size += n
		if errors.Is(err, io.EOF) {
			return size, hex.EncodeToString(h.Sum(nil)), ctx.Err()
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return 0, "", err
		}
	}
}

// checkSubmission compares the submission with the sample.
func (s *session) checkSubmission() error {
	path := filepath.Join(s.working(), submissionName)
	t, err := input.ReadTableFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.r.problem("there is no %s", submissionName)
		return nil
	}
	if err != nil {
		s.r.problem("%v", err)
		return nil
	}
	s.r.Rows = len(t.Rows)
	for _, row := range t.Rows {
		if row.Labels != "" {
			s.r.Given++
		}
	}
	found, err := input.Find(context.Background(), s.o.Data, nil)
	if err != nil {
		return fmt.Errorf("the competition's data: %w", err)
	}
	if len(found.Samples) == 0 {
		return nil
	}
	sample, err := input.ReadTableFile(found.Samples[0])
	if err != nil {
		return err
	}
	want := map[string]bool{}
	for _, id := range sample.IDs() {
		want[id] = true
	}
	have := map[string]bool{}
	for _, id := range t.IDs() {
		have[id] = true
	}
	if len(have) != len(t.Rows) {
		s.r.problem("%s has ids twice", submissionName)
	}
	lacks, more := 0, 0
	for id := range want {
		if !have[id] {
			lacks++
		}
	}
	for id := range have {
		if !want[id] {
			more++
		}
	}
	if lacks+more > 0 {
		s.r.problem("%s lacks %d ids of the sample and has %d others", submissionName, lacks, more)
	}
	if !slices.Equal(sample.Columns[:], t.Columns[:]) {
		s.r.problem("%s has the columns %q, the sample has %q", submissionName, t.Columns, sample.Columns)
	}
	return nil
}
