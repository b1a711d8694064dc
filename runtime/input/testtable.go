package input

import (
	"cmp"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// The names of the column of the answer if no table names one.
const (
	labelsColumn = "attribute_ids"
	labelColumn  = "label"
	valueColumn  = "target"
)

// hasAnswers reports whether a table of the test images has a column of labels, as a
// sample submission has.
func (s *survey) hasAnswers(form *Form, note string) bool {
	return len(s.header) == 2 && form.ID == 0 && form.Answer == Labels && note == ""
}

// idsOnly returns the ids of a table of the test images, in the usual form of the task and
// the metric.
func (s *survey) idsOnly() (*Sample, error) {
	r := &s.rules
	form := Form{Answer: r.Submission, Field: 1}
	if form.Answer == Unsettled {
		form.Answer = r.usualAnswer()
	}
	id := s.header[s.idColumn()]
	switch form.Answer {
	case Labels, Label:
		if form.Answer == Labels {
			form.Separator = " "
		}
		form.Names = r.Names
		column := labelColumn
		if form.Answer == Labels {
			column = labelsColumn
		}
		form.Header = []string{id, cmp.Or(r.Column, column)}
	default:
		form.No, form.Yes = indicators(form.Answer, nil)
		form.Header = []string{id, cmp.Or(r.Column, valueColumn)}
		if r.Task != task.Ordinal && r.Classes > 1 {
			form.Layout, form.Field = ColumnPerClass, 0
			form.Header, form.Classes = []string{id}, []int{-1}
			for c := range r.Classes {
				form.Header = append(form.Header, string((&Form{Names: r.Names}).AppendClass(nil, c)))
				form.Classes = append(form.Classes, c)
			}
		}
	}
	return s.idsOnlyOf(&form)
}

// usualAnswer returns the answer that the metric scores.
func (r *SampleRules) usualAnswer() Answer {
	switch {
	case r.Task == task.Regression || r.scoresValues():
		return Values
	case r.Task == task.Multilabel && r.Metric != "accuracy":
		return Labels
	}
	return Label
}

// idsOnlyOf returns the ids of a table of the test images, to be answered in a form of two
// columns.
func (s *survey) idsOnlyOf(form *Form) (*Sample, error) {
	sample := &Sample{Name: s.name, Form: *form, Test: true}
	for i, id := range s.ids {
		sample.Rows = append(sample.Rows, SampleRow{ID: id, Image: id, Line: s.lines[i]})
	}
	sample.Note = fmt.Sprintf("there is no sample submission: the ids are the column %q of %s, and the columns are named %s",
		s.header[s.idColumn()], s.name, quoted(form.Header))
	return sample, nil
}
