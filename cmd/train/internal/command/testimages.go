package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// testID is the id of a test image.
type testID struct {
	id   string
	line int // of the sample submission
}

// testImages finds the images of the sample submission.
func (p *project) testImages(ctx context.Context) ([]string, error) {
	csv := p.path(p.config.Test.CSV)
	sample, err := p.testIDs()
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(sample))
	for i, row := range sample {
		ids[i] = row.id
	}
	dir := p.imageDir(p.config.Data.TestDir, p.config.Test.CSV, "test")
	images, err := input.ItemsUnder(ctx, dir, vision.Endings(), ids)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, row := range sample {
		path, ok := images.Path(row.id)
		if !ok {
			return nil, fmt.Errorf("%s:%d: there is no image of %q in %s", csv, row.line, row.id, dir)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// testIDs returns the ids of the sample submission, each once. Predictions do not depend
// on the form of the submission: if it is unclear, the ids are the first column, or that
// which labels.id names.
func (p *project) testIDs() ([]testID, error) {
	path, model := p.path(p.config.Test.CSV), p.config.Model
	sample, err := input.ReadSample(path, input.SampleRules{Task: model.Task(), Classes: model.NumClasses, Names: p.tableNames()})
	var unclear *input.FormError
	switch {
	case errors.As(err, &unclear):
		return p.idColumn(path)
	case errors.Is(err, os.ErrNotExist):
		return nil, p.missing(err, "test.csv", "the sample submission")
	case err != nil:
		return nil, err
	}
	var ids idList
	for _, row := range sample.Rows {
		ids.add(row.Image, row.Line)
	}
	return ids.list, nil
}

// tableNames returns the names of the classes, if the config or the training table tells
// them.
func (p *project) tableNames() []string {
	options, err := p.labelOptions()
	if err != nil || options.ClassNames != nil {
		return options.ClassNames
	}
	table, err := labeltable.Open(p.path(p.config.Train.CSV), options)
	if err != nil {
		return nil
	}
	return table.Names
}

// idColumn reads the ids of a table whatever its form.
func (p *project) idColumn(path string) ([]testID, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records := input.NewRecords(path, f)
	header, err := records.Header()
	if err != nil {
		return nil, err
	}
	column := max(0, slices.Index(header, p.config.Labels.ID))
	var ids idList
	for {
		record, line, err := records.Next()
		if errors.Is(err, io.EOF) {
			return ids.list, nil
		}
		if err != nil {
			return nil, err
		}
		ids.add(record[column], line)
	}
}

// idList is a list of ids, each once.
type idList struct {
	list []testID
	seen map[string]bool
}

func (l *idList) add(id string, line int) {
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	if !l.seen[id] {
		l.seen[id] = true
		l.list = append(l.list, testID{id, line})
	}
}
