package input

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
)

const (
	maxShown   = 3 // rows and names in a message
	maxColumns = 5 // columns in a message
	// maxLists is the number of columns up to which a survey looks for lists of classes
	// in the fields. A wider table has a column for each class.
	maxLists = 8
	// maxKept is the number of columns up to which a survey keeps all fields.
	maxKept = 3
)

// survey is what a first reading of a sample shows.
type survey struct {
	name    string
	rules   SampleRules
	names   nameIndex
	header  []string
	columns []column
	first   [][]string // the first rows, for messages
	ids     []string
	lines   []int
	fields  [][]string // all rows of a table of up to maxKept columns
}

// validHeader replaces invalid UTF-8 in the names of columns.
func validHeader(header []string) []string {
	valid := make([]string, len(header))
	for i, name := range header {
		valid[i] = strings.ToValidUTF8(name, "?")
	}
	return valid
}

// newSurvey reads a sample.
func newSurvey(name string, r io.Reader, rules SampleRules) (*survey, error) {
	s := &survey{name: name, rules: rules, names: newNameIndex(rules.Names)}
	records := NewRecords(name, r)
	header, err := records.Header()
	if err != nil {
		return nil, err
	}
	s.header = validHeader(header)
	for _, name := range s.header {
		s.columns = append(s.columns, newColumn(name, len(header) <= maxLists))
	}
	id := s.idColumn()
	for {
		record, line, err := records.Next()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if record[id] == "" {
			return nil, fmt.Errorf("%s:%d: the id is empty", name, line)
		}
		s.ids, s.lines = append(s.ids, strings.Clone(record[id])), append(s.lines, line)
		if len(s.first) < maxShown {
			s.first = append(s.first, record)
		}
		if len(record) <= maxKept {
			s.fields = append(s.fields, record)
		}
		for i := range s.columns {
			if i != id {
				s.columns[i].add(record[i], line, s.names)
			}
		}
	}
}

// idColumn returns the first column named like an id, or 0.
func (s *survey) idColumn() int {
	for i, h := range s.header {
		if w := words(h); len(w) > 0 && idWords[w[len(w)-1]] {
			return i
		}
	}
	return 0
}

// others returns the columns other than the ids.
func (s *survey) others() []int {
	var others []int
	id := s.idColumn()
	for i := range s.header {
		if i != id {
			others = append(others, i)
		}
	}
	return others
}

// wrong returns a FormError with the first rows.
func (s *survey) wrong(line int, format string, args ...any) *FormError {
	return &FormError{Name: s.name, Line: line, What: fmt.Sprintf(format, args...), Saw: s.saw()}
}

// unsettled returns a FormError that the user settles by --submission. kinds are the
// possible answers.
func (s *survey) unsettled(kinds string, format string, args ...any) error {
	return hint.New(s.wrong(0, format, args...), "say which it is by --submission %s", kinds)
}

// unnamed returns a FormError that the user settles by the names of the classes.
func (s *survey) unnamed(line int, format string, args ...any) error {
	return hint.New(s.wrong(line, format, args...),
		"name the classes as the sample writes them, in the order of the network's outputs, by --classes NAME,NAME,… or --classes FILE")
}

// saw returns the header and the first rows, for messages.
func (s *survey) saw() string {
	line := func(fields []string) string {
		shown := fields[:min(len(fields), maxColumns)]
		text := strings.Join(shown, ",")
		if len(text) > 80 {
			text = strings.ToValidUTF8(text[:80], "") + "…"
		}
		if len(fields) > len(shown) {
			text += fmt.Sprintf(",… (%d columns)", len(fields))
		}
		return fmt.Sprintf("%q", text)
	}
	text := "the header " + line(s.header)
	for i, row := range s.first {
		if i == 0 {
			text += ", then "
		} else {
			text += ", "
		}
		text += line(row)
	}
	if len(s.first) == 0 {
		text += " without rows"
	}
	return text
}

// column is the content of a column other than the ids.
type column struct {
	means meaning
	// The numbers of fields of each kind.
	empty, integers, decimals, booleans, texts int
	low, high                                  int     // of the integers
	least, most                                float64 // of all numbers
	boolean                                    string  // the first one
	decimal, text                              place   // the first ones
	same                                       string  // the text, if all texts are the same; else ""
	lists                                      []list
}

// place is a field for messages.
type place struct {
	field string
	line  int
}

func newColumn(name string, lists bool) column {
	c := column{means: columnMeaning(name)}
	if lists {
		for _, separator := range separators {
			c.lists = append(c.lists, list{separator: separator, numbers: true, names: true})
		}
	}
	return c
}

// rows returns the number of fields.
func (c *column) rows() int { return c.empty + c.integers + c.decimals + c.booleans + c.texts }

// numeric reports whether no field is a text.
func (c *column) numeric() bool { return c.texts == 0 }

// add adds a field.
func (c *column) add(field string, line int, names nameIndex) {
	field = strings.TrimSpace(field)
	if field == "" {
		c.empty++
		return
	}
	for i := range c.lists {
		c.lists[i].add(field, names)
	}
	n, err := strconv.Atoi(field)
	switch {
	case err == nil:
		if c.integers == 0 {
			c.low, c.high = n, n
		}
		c.low, c.high = min(c.low, n), max(c.high, n)
		c.integers++
		c.number(float64(n))
	case isNumber(field):
		x, _ := strconv.ParseFloat(field, 64)
		if c.decimals == 0 {
			c.decimal = place{strings.Clone(field), line}
		}
		c.decimals++
		c.number(x)
	case strings.EqualFold(field, "true") || strings.EqualFold(field, "false"):
		if c.booleans == 0 {
			c.boolean = strings.Clone(field)
		}
		c.booleans++
	default:
		if c.texts == 0 {
			c.text = place{strings.Clone(field), line}
			c.same = c.text.field
		}
		if field != c.same {
			c.same = ""
		}
		c.texts++
	}
}

func (c *column) number(x float64) {
	if c.integers+c.decimals == 1 {
		c.least, c.most = x, x
	}
	c.least, c.most = min(c.least, x), max(c.most, x)
}

// separators are what may separate the classes in a field, the preferred first.
var separators = []string{" ", ",", ";", "|", "+", "/", ":", "&", "-", "_"}

// list is a reading of a column's fields as lists of classes.
type list struct {
	separator      string
	numbers, names bool   // all fields are class numbers, or names of classes
	several        bool   // a field has several classes
	count          int    // of classes in each field; -1 if it varies
	low, high      int    // of the numbers
	spaced         bool   // a space follows a separator
	twice          string // a field that has a number twice
}

// add adds a field that is not empty.
func (l *list) add(field string, names nameIndex) {
	if !l.numbers && !l.names {
		return
	}
	var parts []string
	if _, ok := names.find(field); ok {
		parts = []string{field}
	} else {
		parts = strings.Split(field, l.separator)
		if l.separator == " " {
			parts = strings.Fields(field)
		}
	}
	for i, part := range parts {
		l.spaced = l.spaced || i > 0 && strings.HasPrefix(part, " ")
		parts[i] = strings.TrimSpace(part)
	}
	for i, part := range parts {
		if _, ok := names.find(part); !ok {
			l.names = false
		}
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			l.numbers = false
		} else {
			if l.count == 0 && i == 0 {
				l.low, l.high = n, n
			}
			l.low, l.high = min(l.low, n), max(l.high, n)
		}
		if l.numbers && l.twice == "" && len(parts) < 64 && slices.Contains(parts[:i], part) {
			l.twice = strings.Clone(field)
		}
	}
	l.several = l.several || len(parts) > 1
	if l.count == 0 {
		l.count = len(parts)
	} else if l.count != len(parts) {
		l.count = -1
	}
}
