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

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// submissionName is the file that a competition takes.
const submissionName = "submission.csv"

// checkFolder compares the files with the manifest and with Kaggle's limits.
func (r *Report) checkFolder(ctx context.Context, dir string, m *folder.Manifest) error {
	type place struct {
		name string
		want folder.File
	}
	files := []place{{m.Script.Name, m.Script}, {m.Source.Name, m.Source}}
	for _, d := range m.Datasets {
		if err := templates.CheckFileCount(len(d.Files)); err != nil {
			r.problem("%s has %v", d.Folder, err)
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
	if err := templates.CheckScriptSize(m.Script.Size); err != nil {
		r.problem("%s has %v", m.Script.Name, err)
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

// maxSubmission bounds the bytes of a submission that is read.
const maxSubmission = 1 << 30

// checkSubmission grades the submission.
func (s *session) checkSubmission() error {
	path := filepath.Join(s.working(), submissionName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.report.problem("there is no %s", submissionName)
		return nil
	case err != nil:
		return err
	case info.Size() > maxSubmission:
		s.report.problem("%s has %s; a submission is smaller", submissionName, say.Size(info.Size()))
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if s.sample == nil {
		return nil
	}
	g := grade(submissionName, text, s.sample, s.rules)
	s.report.Answer, s.report.Rows, s.report.Given = s.sample.Form.Answer, g.rows, g.given
	s.report.Problems = append(s.report.Problems, g.problems...)
	return nil
}

// readSample reads the sample submission of the data as the kernel would, or returns
// nil if there is none. It refuses a form that the kernel can't write.
func readSample(ctx context.Context, m *folder.Manifest, rules input.SampleRules, data string) (*input.Sample, error) {
	wanted := input.Wanted{Endings: vision.Endings()}
	if m.Sample != "" {
		wanted.Samples = append(wanted.Samples, m.Sample)
	}
	found, err := input.Find(ctx, data, wanted)
	if err != nil {
		return nil, fmt.Errorf("the competition's data: %w", err)
	}
	rules.Images = func(ids []string) (*input.Items, error) { return found.Items(ctx, ids) }
	chosen, err := input.ChooseSample(found.Samples, rules)
	if err != nil || chosen == nil {
		return nil, err
	}
	return chosen.Sample, nil
}
