package submit

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// logName is the default name of the log.
const logName = "submissions.csv"

// logColumns are the columns of the log.
var logColumns = []string{
	"date", "ensemble", "validation", "competition", "kernel", "version", "ref", "status", "public", "private", "message",
}

// defaultLog returns the path of the log beside the ensemble file, or beside the
// folder if the ensemble file is gone.
func (s *submitter) defaultLog() string {
	if file := s.manifest.EnsembleFile; file != "" {
		path := filepath.FromSlash(file)
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.Folder, path)
		}
		if _, err := os.Stat(path); err == nil {
			return filepath.Join(filepath.Dir(path), logName)
		}
	}
	return filepath.Join(filepath.Dir(filepath.Clean(s.Folder)), logName)
}

// validation returns the ensemble's validation score from its name or the manifest,
// "" if unknown.
func (s *submitter) validation() string {
	if _, score := templates.SplitScore(s.manifest.Ensemble); score != "" {
		return score
	}
	if s.manifest.Score != 0 {
		return strconv.FormatFloat(s.manifest.Score, 'f', 4, 64)
	}
	return ""
}

// log appends a line to the log unless the line is already there.
func (s *submitter) log(r *Result, date string) error {
	if date == "" {
		date = time.Now().UTC().Format(time.RFC3339)
	}
	row := []string{
		date, s.manifest.Ensemble, s.validation(), r.Competition, r.Kernel, strconv.Itoa(r.Version), r.Ref, r.Status,
		r.Public, r.Private, s.note.Message,
	}
	text, err := os.ReadFile(s.Log)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c := csv.NewReader(bytes.NewReader(text))
	c.FieldsPerRecord = -1
	rows, err := c.ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", s.Log, err)
	}
	switch {
	case len(rows) > 0 && !slices.Equal(rows[0], logColumns):
		return hint.New(fmt.Errorf("%s is not a log of submissions: its first line is %q", s.Log, rows[0]), "name another file by --log")
	case slices.ContainsFunc(rows, func(old []string) bool { return slices.Equal(old, row) }):
		return nil
	}
	var b bytes.Buffer
	b.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		b.WriteByte('\n')
	}
	w := csv.NewWriter(&b)
	if len(rows) == 0 {
		if err := w.Write(logColumns); err != nil {
			return err
		}
	}
	if err := w.Write(row); err != nil {
		return err
	}
	w.Flush()
	return atomicfile.WriteFile(s.Log, b.Bytes())
}
