package input

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// valueMetrics lists the metrics that score probabilities or numbers, not decisions.
var valueMetrics = []string{"roc-auc", "average-precision", "partial-auc", "log-loss", "rmse"}

// scoresValues reports whether the metric scores probabilities or numbers.
func (r *SampleRules) scoresValues() bool { return slices.Contains(valueMetrics, r.Metric) }

// recognize returns the form of a sample, and a note of what the user should check.
func (s *survey) recognize() (form Form, note string, err error) {
	if len(s.header) == 1 {
		if separator := otherSeparator(s.header); separator != "" {
			return Form{}, "", s.wrong(0, "its columns are separated by %s, not by commas", separator)
		}
		return Form{}, "", s.wrong(0, "it has one column, and none for the answer")
	}
	inOneField := s.rules.Submission == Labels || s.rules.Submission == Label
	if len(s.header) == 2 {
		if !inOneField {
			if form, note, err := s.rowPerClass(); err != nil || form.Decided() {
				return s.with(form), note, err
			}
		}
		form, note, err = s.oneField(s.others()[0])
		return s.with(form), note, err
	}
	if !inOneField && len(s.header) == 3 {
		if form, note, ok, err := s.classColumn(); ok || err != nil {
			return s.with(form), note, err
		}
	}
	column, single := s.answerColumn()
	if !inOneField && !(single && s.rules.Classes == 1) {
		form, note, err := s.columnPerClass()
		if err == nil || !single {
			return s.with(form), note, err
		}
	}
	if !single {
		return Form{}, "", s.wrong(0, "it has %d columns after the id, and none is named like the answer", len(s.header)-1)
	}
	form, note, err = s.oneField(column)
	return s.with(form), note, err
}

// with sets the fields of a form that all layouts share.
func (s *survey) with(f Form) Form {
	if f.Decided() {
		f.Header, f.ID = s.header, s.idColumn()
	}
	return f
}

// answerColumn returns the only column of a wider table that is named like an answer.
// ok is false if there is none, or several.
func (s *survey) answerColumn() (column int, ok bool) {
	if len(s.header) > maxLists {
		return 0, false
	}
	for _, want := range [][]meaning{{meansOther}, {meansSeveral, meansOne}, {meansNumber}} {
		var found []int
		for _, i := range s.others() {
			if slices.Contains(want, s.columns[i].means) {
				found = append(found, i)
			}
		}
		if len(found) > 0 {
			return found[0], len(found) == 1
		}
	}
	return 0, false
}

// oneField decides the answer of a table with one row for each image and one column for
// the answer.
func (s *survey) oneField(i int) (Form, string, error) {
	c, r := &s.columns[i], &s.rules
	f := Form{Layout: OneField, Field: i}
	if err := s.refuseOther(i); err != nil {
		return Form{}, "", err
	}
	if n := s.repeats(); n > 1 && n == r.Classes && r.Submission == Unsettled {
		return Form{}, "", s.wrong(0, "it has %d rows for every image, and nothing says for which class each is", n)
	}
	var note string
	var err error
	f.Answer = r.Submission
	if f.Answer == Unsettled {
		if f.Answer, note, err = s.answer(i); err != nil {
			return f, "", err
		}
	}
	switch f.Answer {
	case Labels, Label:
		err = s.writing(&f)
	case Values, Indicators:
		f.No, f.Yes = indicators(f.Answer, c)
		if f.Target, err = s.target(&i); err == nil {
			err = s.inRange(&f, i)
		}
	}
	return f, note, err
}

// repeats returns how often every id occurs, or 0 if that differs.
func (s *survey) repeats() int {
	counts := make(map[string]int, len(s.ids))
	for _, id := range s.ids {
		counts[id]++
	}
	n := 0
	for _, count := range counts {
		if n > 0 && count != n {
			return 0
		}
		n = count
	}
	return n
}

// refuseOther refuses a column of masks or boxes, unless the user says what it is.
func (s *survey) refuseOther(i int) error {
	c := &s.columns[i]
	if s.rules.Submission != Unsettled {
		return nil
	}
	if c.means == meansOther {
		return s.wrong(0, "its column %q is one of masks or boxes, which are not supported", s.header[i])
	}
	for _, l := range c.lists {
		if l.separator == " " && l.numbers && l.twice != "" {
			return s.wrong(0, "%q has a number twice, so these are no class numbers", shorten(l.twice))
		}
	}
	return nil
}

// answer decides the answer in column i from its fields and name, the task and the metric.
func (s *survey) answer(i int) (Answer, string, error) {
	c, r := &s.columns[i], &s.rules
	name := s.header[i]
	list, listed := c.best()
	switch {
	case c.decimals > 0:
		return Values, "", nil
	case c.booleans > 0:
		return Indicators, "", nil
	case r.Task == task.Ordinal:
		return s.gradeOrValue(i)
	case r.Task == task.Regression:
		if c.texts > 0 {
			return 0, "", s.wrong(c.text.line, "the column %q has the text %q, but the ensemble predicts numbers", name, shorten(c.text.field))
		}
		return Values, "", nil
	case r.Task == task.Multiclass:
		if listed && list.several && list.count > 1 {
			return Labels, "", nil
		}
		if r.Classes == 2 && !list.several && c.texts == 0 && (c.means == meansNumber || r.scoresValues()) {
			return Values, "", nil
		}
		if c.means == meansNumber && c.integers > 0 && c.most <= 1 {
			return Values, "", nil // target explains it
		}
		return Label, "", nil
	case r.Classes == 1 && c.means != meansSeveral && !(listed && list.several):
		return s.binary(i)
	}
	return s.severalOrOne(i, list, listed)
}

// gradeOrValue decides between a grade and its expected value.
func (s *survey) gradeOrValue(i int) (Answer, string, error) {
	c := &s.columns[i]
	if c.means == meansNumber && s.rules.Metric != "quadratic-kappa" || s.rules.Metric == "rmse" {
		return Values, "", nil
	}
	return Label, "", nil
}

// binary decides between the probability of the only class and a decision.
func (s *survey) binary(i int) (Answer, string, error) {
	c, r := &s.columns[i], &s.rules
	switch {
	case c.means == meansNumber || r.scoresValues():
		return Values, "", nil
	case c.integers > 0 && (r.Metric == "accuracy" || r.Metric == "mcc"):
		return Indicators, "", nil
	}
	return 0, "", s.unsettled("values (the probability) or --submission indicators (0 or 1)",
		"its column %q may have the probability of the ensemble's only class, or a decision", s.header[i])
}

// severalOrOne decides between any number of classes and one, for networks that give any
// number.
func (s *survey) severalOrOne(i int, list list, listed bool) (Answer, string, error) {
	c, r := &s.columns[i], &s.rules
	single := c.rows() - c.empty
	switch {
	case listed && list.several, c.empty > 0 && single > 0, c.means == meansSeveral:
		return Labels, "", nil
	case c.means == meansNumber:
		return Values, "", nil // target explains it
	case r.Training == SeveralLabels:
		return Labels, "", nil
	case r.Training == OneLabel:
		return Label, "", nil
	case c.means == meansOne:
		return Label, fmt.Sprintf("each row gets one class, as the name of the column %q says; where several are allowed, deploy with --submission labels", s.header[i]), nil
	case single > 0:
		return Labels, fmt.Sprintf("%s has one class in every row of the column %q; any number of classes is written: if the competition takes one, deploy with --submission label",
			s.name, s.header[i]), nil
	}
	return Labels, "", nil
}

// best returns the reading of the fields as classes, preferring separators that occur. ok
// is false if the fields can't be read so.
func (c *column) best() (l list, ok bool) {
	for _, several := range []bool{true, false} {
		for _, l := range c.lists {
			if l.count != 0 && l.several == several && (l.names || l.numbers && l.twice == "") {
				return l, true
			}
		}
	}
	return list{}, false
}

// writing decides how labels are written: as names or numbers, and with which separator.
func (s *survey) writing(f *Form) error {
	c, r := &s.columns[f.Field], &s.rules
	list, listed := c.best()
	f.Separator = s.separator(list)
	switch {
	case c.rows() == c.empty || listed && list.names:
		f.Names = r.Names
	case listed:
		var err error
		if f.First, err = s.firstNumber(f.Field, list); err != nil {
			return err
		}
	case r.Submission != Unsettled && c.texts == 0: // the user knows better
	case len(r.Names) > 0 && f.Answer == Labels && c.same != "" && c.texts == c.rows()-c.empty && isNone(c.same):
		f.Names, f.None = r.Names, c.same
	case c.integers > 0 && c.low < 0:
		return s.wrong(0, "its column %q has %d, which is no class number", s.header[f.Field], c.low)
	case len(r.Names) == 0:
		return s.unnamed(c.text.line, "its column %q has text, such as names of classes: %q, but the ensemble's classes have no names", s.header[f.Field], shorten(c.text.field))
	default:
		return s.unnamed(c.text.line, "its column %q has %q, which is no name of a class such as %s", s.header[f.Field], shorten(c.text.field), quoted(r.Names))
	}
	if f.Answer == Label {
		f.Separator = ""
		return nil
	}
	if r.Task == task.Multiclass {
		f.Top = max(1, list.count)
	}
	if len(f.Names) > 0 && !list.several && f.Top <= 1 {
		for _, name := range f.Names {
			if strings.Contains(name, f.Separator) {
				return hint.New(s.wrong(0, "the name of the class %q has a space, and no row has two classes to show how they are separated", name),
					"name a sample with two classes in a row by --sample")
			}
		}
	}
	return nil
}

// separator returns the separator of a list, with the space that follows it.
func (s *survey) separator(l list) string {
	if l.separator == "" || !l.several {
		return " "
	}
	if l.spaced && l.separator != " " {
		return l.separator + " "
	}
	return l.separator
}

// firstNumber returns the number of the first class, for a list of class numbers.
func (s *survey) firstNumber(i int, l list) (int, error) {
	n := s.rules.Classes
	if n == 0 || s.rules.Submission != Unsettled && l.high < n {
		return 0, nil
	}
	switch {
	case l.high < n:
		return 0, nil
	case l.high-l.low == n-1, l.low > 0 && l.high == n:
		return l.high - n + 1, nil
	}
	return 0, s.unnamed(0, "its column %q has the number %d, but the ensemble has %d classes (0 to %d)", s.header[i], l.high, n, n-1)
}

// noneWords are the beginnings of words for an image without any class.
var noneWords = []string{"no", "none", "empty", "background", "unknown"}

// isNone reports whether a text is a word for an image without any class.
func isNone(text string) bool {
	return !strings.ContainsAny(text, ",;|") && slices.ContainsFunc(noneWords, func(w string) bool {
		return strings.HasPrefix(strings.ToLower(text), w)
	})
}

// target returns the class whose value is written in column i, or in any column if i is
// nil.
func (s *survey) target(i *int) (int, error) {
	r := &s.rules
	if i != nil {
		if c, ok := s.names.findFolded(s.header[*i]); ok && r.Task != task.Ordinal {
			return c, nil
		}
	}
	switch {
	case r.Classes <= 1, r.Task == task.Ordinal:
		return 0, nil
	case r.Classes == 2 && r.Task == task.Multiclass:
		return 1, nil
	}
	what := "the ensemble has %d classes, and the sample one value for each image"
	if i == nil {
		return 0, s.unnamed(0, what, r.Classes)
	}
	return 0, s.unnamed(s.columns[*i].decimal.line, "its column %q has one number for each image, such as a probability, but the ensemble has %d classes and none is named so",
		s.header[*i], r.Classes)
}

// inRange refuses a column of values that the predictions can't have.
func (s *survey) inRange(f *Form, columns ...int) error {
	if f.Answer != Values || s.rules.Submission != Unsettled || s.rules.Task == task.Regression || s.rules.Task == task.Ordinal {
		return nil
	}
	for _, i := range columns {
		c := &s.columns[i]
		if c.integers+c.decimals == 0 {
			continue
		}
		if c.least < 0 || c.most > 1 {
			return hint.New(s.wrong(0, "its column %q has numbers from %g to %g, but the ensemble predicts probabilities", s.header[i], c.least, c.most),
				"train with the task regression; or if probabilities are right, say so by --submission values")
		}
	}
	return nil
}

// indicators returns the texts of Indicators in a column.
func indicators(a Answer, c *column) (no, yes string) {
	if a != Indicators {
		return "", ""
	}
	switch {
	case c == nil || c.booleans == 0:
		return "0", "1"
	case c.boolean == strings.ToUpper(c.boolean):
		return "FALSE", "TRUE"
	case c.boolean == strings.ToLower(c.boolean):
		return "false", "true"
	}
	return "False", "True"
}
