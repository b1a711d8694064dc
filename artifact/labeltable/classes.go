package labeltable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// maxClassFile limits the bytes of a class list.
const maxClassFile = 1 << 24

// classFiles lists the endings of files that ReadClasses reads.
var classFiles = []string{".json", ".csv", ".txt"}

// IsClassFile reports whether the only element of a list of class names is the path of
// a file that [ReadClasses] reads.
func IsClassFile(classes []string) bool {
	return len(classes) == 1 && slices.Contains(classFiles, strings.ToLower(filepath.Ext(classes[0])))
}

// ReadClasses reads the names of classes, by number, from the file at path:
//
//	.json  ["a", "b"], {"0": "a", "1": "b"} or {"a": 0, "b": 1}
//	.csv   a column of names, or one of numbers and one of names, under a header
//	.txt   a name on each line
func ReadClasses(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the classes: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxClassFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the classes: %w", err)
	}
	return ParseClasses(path, text)
}

// ParseClasses is [ReadClasses] for a text. The ending of name tells its form.
func ParseClasses(name string, text []byte) ([]string, error) {
	if len(text) > maxClassFile {
		return nil, fmt.Errorf("%s: a class list of more than %d bytes", name, maxClassFile)
	}
	var names []string
	var err error
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		names, err = classesOfJSON(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	case ".csv":
		names, err = classesOfCSV(name, text)
	case ".txt":
		names = classesOfText(text)
	default:
		return nil, fmt.Errorf("%s: a class list ends in %s", name, say.Names(classFiles))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: the class list is empty", name)
	}
	return names, nil
}

func classesOfText(text []byte) []string {
	var names []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" {
			names = append(names, line)
		}
	}
	return names
}

// errJSON is returned for JSON of another form than a class list.
var errJSON = errors.New(`a class list in JSON is ["a", "b"], {"0": "a", "1": "b"} or {"a": 0, "b": 1}`)

func classesOfJSON(text []byte) ([]string, error) {
	var list []string
	if json.Unmarshal(text, &list) == nil {
		return list, nil
	}
	var byNumber map[string]string
	if json.Unmarshal(text, &byNumber) == nil {
		numbers, names := make([]string, 0, len(byNumber)), make([]string, 0, len(byNumber))
		for number, name := range byNumber {
			numbers, names = append(numbers, number), append(names, name)
		}
		return ordered(numbers, names)
	}
	var byName map[string]json.Number
	if json.Unmarshal(text, &byName) == nil {
		numbers, names := make([]string, 0, len(byName)), make([]string, 0, len(byName))
		for name, number := range byName {
			numbers, names = append(numbers, number.String()), append(names, name)
		}
		return ordered(numbers, names)
	}
	return nil, errJSON
}

// ordered returns names in the order of their numbers, which must be 0, 1, 2 and so on.
func ordered(numbers, names []string) ([]string, error) {
	out, set := make([]string, len(names)), make([]bool, len(names))
	for i, text := range numbers {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 || n >= len(out) || set[n] {
			return nil, fmt.Errorf("%q is no class number, or comes twice; %s have the numbers 0 to %d", shorten(text), say.Count(len(out), "class"), len(out)-1)
		}
		out[n], set[n] = names[i], true
	}
	return out, nil
}

// classesOfCSV reads a table of one column of names, or of numbers and names.
func classesOfCSV(name string, text []byte) ([]string, error) {
	records := input.NewRecords(name, bytes.NewReader(text))
	header, err := records.Header()
	if err != nil {
		return nil, err
	}
	if len(header) > 2 {
		return nil, fmt.Errorf("%s; a class list has a column of names, and one of numbers before or after it", say.Count(len(header), "column"))
	}
	columns := make([][]string, len(header))
	for {
		record, _, err := records.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for i, cell := range record {
			columns[i] = append(columns[i], strings.TrimSpace(cell))
		}
	}
	if len(columns) == 1 {
		return columns[0], nil
	}
	names, first := ordered(columns[0], columns[1])
	if first == nil {
		return names, nil
	}
	if names, err := ordered(columns[1], columns[0]); err == nil {
		return names, nil
	}
	return nil, first
}
