package labeltable

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// columns holds the columns of a table that matter.
type columns struct {
	name   string // of the file
	header []string
	id     int   // column
	group  int   // column, or -1
	labels []int // columns

	ids, groups []string
	lines       []int
	// cells holds the texts of the label columns, rows x len(labels), as numbers of
	// texts. Tables repeat few texts many times.
	cells []uint32
	texts []string
}

// columnReader is the state of one readColumns.
type columnReader struct {
	columns
	// candidates are the columns that are named like an id; values holds theirs.
	candidates []int
	values     [][]string
	// guessed reports that labels holds all other columns, each of which must hold
	// only 0 and 1.
	guessed bool
	index   map[string]uint32 // by text
}

// readColumns reads the ids, the groups and the label columns of a table.
func readColumns(name string, r io.Reader, o Options) (*columns, error) {
	records := input.NewRecords(name, r)
	header, err := records.Header()
	if err != nil {
		return nil, err
	}
	c := &columnReader{columns: columns{name: name, header: header, group: -1}, index: map[string]uint32{}}
	if err := c.choose(o); err != nil {
		return nil, err
	}
	for {
		record, line, err := records.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = c.add(record, line)
		}
		if err != nil {
			return nil, err
		}
	}
	return &c.columns, c.settleID()
}

// choose finds the columns in the header.
func (c *columnReader) choose(o Options) error {
	if err := c.checkHeader(o); err != nil {
		return err
	}
	if o.Group != "" {
		g, err := c.find(o.Group, "labels.group")
		if err != nil {
			return err
		}
		c.group = g
	}
	for _, name := range o.Columns {
		i, err := c.find(name, "labels.columns")
		if err != nil {
			return err
		}
		if slices.Contains(c.labels, i) {
			return fmt.Errorf("labels.columns: %q is there twice", name)
		}
		c.labels = append(c.labels, i)
	}
	if err := c.chooseID(o); err != nil {
		return err
	}
	if c.labels == nil {
		return c.guess()
	}
	if slices.Contains(c.labels, c.id) {
		return hint.New(fmt.Errorf("%s:1: labels.columns names %q, the column of the ids", c.name, c.header[c.id]), "labels.id names another column of ids")
	}
	return nil
}

// checkHeader refuses a header without the columns of ids and labels.
func (c *columnReader) checkHeader(o Options) error {
	if err := input.CheckSeparator(c.name, c.header); err != nil {
		return err
	}
	for i, h := range c.header {
		c.header[i] = strings.TrimSpace(strings.ToValidUTF8(h, "?"))
	}
	if len(c.header) == 1 {
		return fmt.Errorf("%s:1: a row must have two fields, id and class numbers", c.name)
	}
	if unnamed := slices.Index(c.header, ""); unnamed >= 0 && (o.ID == "" || o.Columns == nil) {
		return hint.New(fmt.Errorf("%s:1: field %d of the %d fields has no name, as the index that pandas writes", c.name, unnamed+1, len(c.header)),
			"save the table with index=False, or name the columns to read by labels.id and labels.columns")
	}
	return nil
}

// find returns the column called name, which the config's key asks for.
func (c *columnReader) find(name, key string) (int, error) {
	if i := slices.Index(c.header, name); i >= 0 {
		return i, nil
	}
	err := fmt.Errorf("%s:1: there is no column %q, which %s names; there are %s", c.name, name, key, say.Some(c.header, maxShown))
	if near, ok := nearest.Name(name, c.header); ok {
		return 0, hint.New(err, "did you mean %s?", near)
	}
	return 0, err
}

// maxShown limits the columns or names in a message.
const maxShown = 10

// chooseID chooses the column of ids, or the candidates among which the values decide.
func (c *columnReader) chooseID(o Options) (err error) {
	if o.ID != "" {
		c.id, err = c.find(o.ID, "labels.id")
		return err
	}
	if len(c.header) == 2 { // whatever their names
		if slices.Contains(c.labels, 0) || namedID(c.header[1]) && !namedID(c.header[0]) {
			c.id = 1
		}
		return nil
	}
	for i, h := range c.header {
		if namedID(h) && i != c.group && !slices.Contains(c.labels, i) {
			c.candidates = append(c.candidates, i)
		}
	}
	if len(c.candidates) == 0 {
		return hint.New(fmt.Errorf("%s:1: no column is named like an id; there are %s", c.name, say.Some(c.header, maxShown)),
			"name the column of the images by labels.id")
	}
	c.id = c.candidates[0]
	if len(c.candidates) == 1 {
		c.candidates = nil
	}
	c.values = make([][]string, len(c.candidates))
	return nil
}

// guess chooses the label columns among the columns that are not the id's, the group's or
// the folds'.
func (c *columnReader) guess() error {
	for i, h := range c.header {
		if i != c.id && i != c.group && !slices.Contains(c.candidates, i) && !slices.Contains(foldWords, strings.ToLower(h)) {
			c.labels = append(c.labels, i)
		}
	}
	if len(c.labels) == 0 {
		return c.unclear(1, "no column is left for the labels")
	}
	var named []int
	for _, i := range c.labels {
		if namedLabels(c.header[i]) {
			named = append(named, i)
		}
	}
	if len(named) == 1 {
		c.labels = named
	}
	c.guessed = len(c.labels) > 1
	return nil
}

// unclear returns an error for a table whose label columns the user has to name.
func (c *columnReader) unclear(line int, format string, args ...any) error {
	return hint.New(fmt.Errorf("%s:%d: %s; the columns are %s", c.name, line, fmt.Sprintf(format, args...), say.Some(c.header, maxShown)),
		"name the columns of labels in the config, such as `labels: {columns: [%s]}`", strings.Join(c.likely(), ", "))
}

// likely returns the columns that are named like labels, or else the last one.
func (c *columnReader) likely() []string {
	var names []string
	for i, h := range c.header {
		if i != c.id && namedLabels(h) {
			names = append(names, h)
		}
	}
	if names == nil {
		names = []string{c.header[len(c.header)-1]}
	}
	return names
}

// add adds a row.
func (c *columnReader) add(record []string, line int) error {
	id := record[c.id]
	if id == "" {
		return fmt.Errorf("%s:%d: the id is empty", c.name, line)
	}
	c.ids, c.lines = append(c.ids, strings.Clone(id)), append(c.lines, line)
	for i, column := range c.candidates {
		c.values[i] = append(c.values[i], strings.Clone(record[column]))
	}
	if c.group >= 0 {
		c.groups = append(c.groups, strings.Clone(cmp.Or(record[c.group], id))) // unknown: on its own
	}
	for _, column := range c.labels {
		text := strings.TrimSpace(record[column])
		if _, ok := indicator(text); c.guessed && !ok {
			return c.unclear(line, "the column %q holds %q, so it is unclear which columns hold the labels", c.header[column], shorten(text))
		}
		c.cells = append(c.cells, c.intern(text))
	}
	return nil
}

// intern returns the number of a text.
func (c *columnReader) intern(text string) uint32 {
	if i, ok := c.index[text]; ok {
		return i
	}
	text = strings.Clone(text)
	i := uint32(len(c.texts))
	c.texts, c.index[text] = append(c.texts, text), i
	return i
}

// settleID takes the only candidate without a value that comes twice.
func (c *columnReader) settleID() error {
	if c.candidates == nil {
		return nil
	}
	var unique []int
	for i, values := range c.values {
		if distinct(values) == len(values) {
			unique = append(unique, i)
		}
	}
	if len(unique) != 1 {
		var names []string
		for _, i := range c.candidates {
			names = append(names, c.header[i])
		}
		return hint.New(fmt.Errorf("%s:1: several columns are named like an id: %s", c.name, strings.Join(names, ", ")),
			"name the column of the images by labels.id, such as `labels: {id: %s}`", names[0])
	}
	c.id, c.ids = c.candidates[unique[0]], c.values[unique[0]]
	if i := slices.Index(c.ids, ""); i >= 0 {
		return fmt.Errorf("%s:%d: the id is empty", c.name, c.lines[i])
	}
	return nil
}

func distinct(values []string) int {
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		seen[v] = true
	}
	return len(seen)
}

// row returns the texts of a row's labels.
func (c *columns) row(i int) []uint32 { return c.cells[i*len(c.labels):][:len(c.labels)] }

// labelNames returns the names of the label columns.
func (c *columns) labelNames() []string {
	names := make([]string, len(c.labels))
	for i, column := range c.labels {
		names[i] = c.header[column]
	}
	return names
}

// idWords are the last words of a column of ids, and labelWords of a column of labels.
// foldWords are the names of a column of folds.
var (
	foldWords  = []string{"fold", "folds", "kfold"}
	idWords    = []string{"id", "image", "img", "filename", "file", "name", "path", "uid"}
	labelWords = []string{"label", "labels", "target", "targets", "class", "classes", "diagnosis", "category", "grade", "tags"}
)

func namedID(column string) bool { return slices.Contains(idWords, lastWord(column)) }

func namedLabels(column string) bool {
	return column == "attribute_ids" || slices.Contains(labelWords, lastWord(column))
}

// lastWord returns the last word of a name in lower case: "id" of image_id, imageId and
// ImageID.
func lastWord(name string) string {
	runes := []rune(name)
	start := len(runes)
	for start > 0 {
		r := runes[start-1]
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		start--
		upper := unicode.IsUpper(r)
		if upper && start > 0 && !unicode.IsUpper(runes[start-1]) {
			break
		}
	}
	return strings.ToLower(string(runes[start:]))
}
