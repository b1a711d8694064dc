package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"gopkg.in/yaml.v3"
)

// Error describes a mistake at a place in a config.
type Error struct {
	File      string
	Line, Col int // counted from 1; 0 where there is no place
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
	Key       string // e.g. augmentations.dropout
	Reason    string
}

func (w Warning) String() string {
	return fmt.Sprintf("%s:%d:%d: %s is ignored: %s", w.File, w.Line, w.Col, w.Key, w.Reason)
}

// ignored maps keys that old files carry and nothing reads to the reason.
var ignored = map[string]string{
	"augmentations.dropout":           "pixels are never dropped (the network's dropout is model.dropout)",
	"augmentations.aug_global_prob":   "the name is global_prob",
	"scheduler.params.mode":           "the amplitude of cyclic_lr shrinks by gamma each cycle, whatever the mode",
	"scheduler.params.cycle_momentum": "momentum never changes",
}

// decoder fills structs from YAML nodes.
type decoder struct {
	file     string
	warnings []Warning
	at       map[string]*yaml.Node // key path to the node of its value
}

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) error {
	return &Error{d.file, n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// decode fills v from n; path names v, "" for the whole.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string) error {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if d.at != nil {
		d.at[path] = n
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.mapping(n, v, path)
	case reflect.Slice:
		return d.list(n, v, path)
	}
	if n.Kind != yaml.ScalarNode {
		return d.errorf(n, "%s must be %s, not %s", path, want(v), kind(n))
	}
	if err := setScalar(v, n); err != nil {
		return d.errorf(n, "%s must be %s, not %s", path, want(v), kind(n))
	}
	return nil
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // a section with everything commented out
	}
	if n.Kind != yaml.MappingNode {
		return d.errorf(n, "%s must be a section of keys, not %s", or(path, "a config"), kind(n))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, value := n.Content[i], n.Content[i+1]
		full := join(path, k.Value)
		if line, twice := seen[k.Value]; twice {
			return d.errorf(k, "key %q is there twice (first on line %d)", textfile.Short(full), line)
		}
		seen[k.Value] = k.Line
		if reason, ok := ignored[full]; ok {
			d.warnings = append(d.warnings, Warning{d.file, k.Line, k.Column, full, reason})
			continue
		}
		field, ok := fieldOf(v, k.Value)
		if !ok {
			return d.errorf(k, "%s", unknown("key", k.Value, path, keysOf(v.Type())))
		}
		if err := d.decode(value, field, full); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) error {
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
	if n.Kind != yaml.SequenceNode {
		return d.errorf(n, "%s must be a list, not %s", path, kind(n))
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
		panic("config: internal error: no way to decode " + v.Type().String())
	}
	return nil
}

// want says what a value may be.
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

// kind says what a node is.
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

// unknown says that there is no such name, what may have been meant and what
// there is.
func unknown(what, name, where string, valid []string) string {
	s := fmt.Sprintf("unknown %s %q", what, textfile.Short(name))
	if where != "" {
		s += " in " + where
	}
	if near, ok := nearest.Name(name, valid); ok {
		s += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return s + "; there are " + strings.Join(valid, ", ")
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if keyOf(v.Type().Field(i)) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
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

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
