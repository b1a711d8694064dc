package yamlfile

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"gopkg.in/yaml.v3"
)

// Decoder fills structs from YAML nodes and keeps the place of every value.
type Decoder struct {
	// Ignored maps the paths of keys that are skipped with a warning to the reason.
	Ignored map[string]string
	// Open lists the paths of sections whose unknown keys are skipped.
	Open []string
	// Warnings lists the keys of Ignored that the file has.
	Warnings []Warning

	file string
	at   map[string]*yaml.Node // the node of each value, by the path of its key
}

// NewDecoder returns a decoder for the file that errors call file.
func NewDecoder(file string) *Decoder {
	return &Decoder{file: file, at: map[string]*yaml.Node{}}
}

// Skip is the type of a field whose value Decode accepts whatever it is.
type Skip struct{}

// Texts is a list of texts. A file may write a list of one as a text.
type Texts []string

// Decode fills the struct that v points to from n. Fields whose keys are missing keep
// their values.
func (d *Decoder) Decode(n *yaml.Node, v any) error {
	return d.decode(n, reflect.ValueOf(v).Elem(), "")
}

// Errorf returns an error at the place of n.
func (d *Decoder) Errorf(n *yaml.Node, format string, args ...any) error {
	return &Error{d.file, n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// FileErrorf returns an error of the whole file.
func (d *Decoder) FileErrorf(format string, args ...any) error {
	return &Error{File: d.file, Message: fmt.Sprintf(format, args...)}
}

// ErrorAt returns an error at the value of key. If the file lacks the key, the place is
// that of the section around it.
func (d *Decoder) ErrorAt(key, format string, args ...any) error {
	for k := key; ; {
		if n := d.at[k]; n != nil {
			return d.Errorf(n, format, args...)
		}
		i := strings.LastIndexByte(k, '.')
		if i < 0 {
			return d.FileErrorf(format, args...)
		}
		k = k[:i]
	}
}

// Node returns the value of key as it was decoded, or nil if the file lacks the key.
func (d *Decoder) Node(key string) *yaml.Node { return d.at[key] }

// Given reports whether the file has the key and its value is not null.
func (d *Decoder) Given(key string) bool {
	n := d.at[key]
	return n != nil && (n.Kind != yaml.ScalarNode || n.Tag != "!!null")
}

// Range is a closed interval for the value of a key.
type Range struct {
	Key             string
	Value, Min, Max float64
}

// CheckRanges refuses the first value outside of its range. NaN is outside of every
// range.
func (d *Decoder) CheckRanges(ranges []Range) error {
	for _, r := range ranges {
		if !(r.Value >= r.Min && r.Value <= r.Max) {
			return d.ErrorAt(r.Key, "%s is %s; it must be %s", r.Key, say.Number(r.Value), say.Span(r.Min, r.Max))
		}
	}
	return nil
}

// decode fills v from n. path is the path of v's key, "" for the whole file.
func (d *Decoder) decode(n *yaml.Node, v reflect.Value, path string) error {
	if v.Type() == reflect.TypeFor[Skip]() {
		return nil
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.at[path] = n
	switch v.Kind() {
	case reflect.Struct:
		return d.mapping(n, v, path)
	case reflect.Slice:
		return d.list(n, v, path)
	}
	if n.Kind != yaml.ScalarNode {
		return d.Errorf(n, "%s must be %s, not %s", path, want(v), kind(n))
	}
	if err := setScalar(v, n); err != nil {
		return d.Errorf(n, "%s must be %s, not %s", path, want(v), kind(n))
	}
	return nil
}

func (d *Decoder) mapping(n *yaml.Node, v reflect.Value, path string) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // a section with everything commented out
	}
	if n.Kind != yaml.MappingNode {
		return d.Errorf(n, "%s must be a section of keys, not %s", cmp.Or(path, "the file"), kind(n))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, value := n.Content[i], n.Content[i+1]
		full := join(path, k.Value)
		if line, twice := seen[k.Value]; twice {
			return d.Errorf(k, "key %q is there twice (first on line %d)", textfile.Short(full), line)
		}
		seen[k.Value] = k.Line
		if reason, ok := d.Ignored[full]; ok {
			d.Warnings = append(d.Warnings, Warning{d.file, k.Line, k.Column, full, reason})
			continue
		}
		field, ok := Field(v, k.Value)
		if !ok && slices.Contains(d.Open, path) {
			continue
		}
		if !ok {
			return d.Errorf(k, "%s", Unknown("key", k.Value, path, Keys(v.Type())))
		}
		if err := d.decode(value, field, full); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) list(n *yaml.Node, v reflect.Value, path string) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" { // '[10, 15]', quoted
		var doc yaml.Node
		if yaml.Unmarshal([]byte(n.Value), &doc) == nil && len(doc.Content) == 1 {
			inner := *doc.Content[0]
			inner.Line, inner.Column = n.Line, n.Column
			for _, item := range inner.Content {
				item.Line, item.Column = n.Line, n.Column
			}
			if inner.Kind == yaml.SequenceNode {
				n = &inner
			}
		}
	}
	if texts := v.Type() == reflect.TypeFor[Texts](); texts && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}}
	}
	if n.Kind != yaml.SequenceNode {
		return d.Errorf(n, "%s must be a list, not %s", path, kind(n))
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		if err := d.decode(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	if len(n.Content) == 0 {
		out = reflect.Zero(v.Type())
	}
	v.Set(out)
	return nil
}

// setScalar parses n's text as v's type. Numbers may be quoted.
func setScalar(v reflect.Value, n *yaml.Node) error {
	text := strings.TrimSpace(n.Value)
	quotable := n.Tag == "!!str"
	switch v.Kind() {
	case reflect.String:
		if n.Tag == "!!null" {
			v.SetString("")
			return nil
		}
		v.SetString(n.Value)
		return nil
	case reflect.Bool:
		var b bool
		if err := n.Decode(&b); err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		if !quotable && n.Tag != "!!int" {
			return strconv.ErrSyntax
		}
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		v.SetInt(i)
	case reflect.Uint64:
		u, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return err
		}
		v.SetUint(u)
	case reflect.Float64:
		if !quotable && n.Tag != "!!int" && n.Tag != "!!float" {
			return strconv.ErrSyntax
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		v.SetFloat(f)
	default:
		panic("yamlfile: internal error: no way to decode " + v.Type().String())
	}
	return nil
}

// want describes the values that v accepts.
func want(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// kind describes the node n.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return strconv.Quote(textfile.Short(n.Value))
}

// Unknown returns the message for a name that is not valid, such as
// `unknown key "batch_sise" in train (did you mean "batch_size"?); there are csv, …`.
func Unknown(what, name, where string, valid []string) string {
	s := fmt.Sprintf("unknown %s %q", what, textfile.Short(name))
	if where != "" {
		s += " in " + where
	}
	if near, ok := nearest.Name(name, valid); ok {
		s += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return s + "; there are " + strings.Join(valid, ", ")
}

// Field returns the field of the struct v with that key. It reports whether there is
// one.
func Field(v reflect.Value, key string) (field reflect.Value, ok bool) {
	for i := range v.NumField() {
		if keyOf(v.Type().Field(i)) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// Keys lists the keys of the struct type t, in the order of its fields.
func Keys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		keys = append(keys, keyOf(t.Field(i)))
	}
	return keys
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// join returns the path of a key in the section at path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
