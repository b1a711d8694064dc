// Package yamlfile decodes YAML files strictly and reports mistakes by their place.
//
//	root, err := yamlfile.Document("c.yml", "config", text)
//	d := yamlfile.NewDecoder("c.yml")
//	err = d.Decode(root, &config)
//	// c.yml:3:5: unknown key "input_sise" in model (did you mean "input_size"?); there are …
//
// Keys are the yaml tags of the fields of a struct. Numbers may be quoted, and lists
// may be quoted in brackets. After Decode, [Decoder.ErrorAt] reports a wrong value at
// its place in the file.
//
// The package refuses unknown keys, duplicate keys, values of another type and files
// of more than one document.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"gopkg.in/yaml.v3"
)

// Error describes a mistake at a place in a file.
type Error struct {
	File      string
	Line, Col int // counted from 1; 0 if the mistake has no place
	Message   string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	if e.Col == 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Message)
}

// Warning describes a key that is ignored.
type Warning struct {
	File      string
	Line, Col int
	Key       string // the path of the key, e.g. augmentations.dropout
	Reason    string
}

func (w Warning) String() string {
	return fmt.Sprintf("%s:%d:%d: %s is ignored: %s", w.File, w.Line, w.Col, w.Key, w.Reason)
}

// Document returns the top node of the only document in data. Errors name the file by
// name, and say by noun what it should be: "config".
func Document(name, noun string, data []byte) (*yaml.Node, error) {
	if err := textfile.Check(name, "a "+noun, data); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: name, Message: "the " + noun + " is empty"}
	case err != nil:
		return nil, syntaxError(name, data, err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Message: "there is more than one YAML document"}
	}
	if len(doc.Content) != 1 {
		return nil, &Error{File: name, Message: "the " + noun + " is empty"}
	}
	return doc.Content[0], nil
}

// yamlLine matches the line number in an error of the YAML package.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// syntaxError returns an error with the place and the cause of a YAML error.
func syntaxError(name string, data []byte, err error) error {
	e := &Error{File: name, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		e.Message = "this is no YAML: " + e.Message
		return e
	}
	e.Line, _ = strconv.Atoi(m[1]) // the pattern matches digits only
	e.Message = "this is no YAML: " + m[2]
	lines := strings.Split(string(data), "\n")
	for n := max(e.Line-1, 1); n <= min(e.Line+1, len(lines)); n++ {
		if strings.HasPrefix(strings.TrimLeft(lines[n-1], " "), "\t") {
			e.Line, e.Message = n, "the line begins with a tab; YAML wants spaces"
			break
		}
	}
	return e
}

// Find returns the value of a key in the mapping n, or nil if n has no such key.
func Find(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
