package labeltable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// separators lists what can separate labels, in the order of preference: spaces are
// common around and within the others.
var separators = []string{"|", ";", ",", " "}

// split returns the labels in each text of each label column.
func (p *parser) split() ([]map[uint32][]string, error) {
	parts := make([]map[uint32][]string, len(p.labels))
	for k := range p.labels {
		column := map[uint32][]string{}
		for row := range p.ids {
			column[p.row(row)[k]] = nil
		}
		separator, err := p.separator(k, column)
		if err != nil {
			return nil, err
		}
		for text := range column {
			column[text] = pieces(p.texts[text], separator)
		}
		parts[k] = column
	}
	return parts, nil
}

// whole is the separator of a column whose texts are one label each.
const whole = ""

// pieces splits a text. It splits lists of Python and JSON whatever the separator.
func pieces(text, separator string) []string {
	if inner, ok := bracketed(text); ok {
		text, separator = inner, ","
		if !strings.ContainsAny(inner, `,'"`) {
			separator = " " // as NumPy prints numbers
		}
	}
	var list []string
	switch separator {
	case whole:
		list = []string{text}
	case " ":
		list = strings.Fields(text)
	default:
		list = strings.Split(text, separator)
	}
	kept := list[:0]
	for _, part := range list {
		if part = unquote(strings.TrimSpace(part)); part != "" {
			kept = append(kept, part)
		}
	}
	return kept
}

// bracketed returns the inside of a list such as ['a', 'b'].
func bracketed(text string) (inner string, ok bool) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// unquote removes the quotes of an element of a list.
func unquote(part string) string {
	if n := len(part); n >= 2 && (part[0] == '\'' || part[0] == '"') && part[n-1] == part[0] {
		return part[1 : n-1]
	}
	return part
}

// separator returns the separator of the labels in column k.
func (p *parser) separator(k int, column map[uint32][]string) (string, error) {
	if p.options.Separator != "" {
		if strings.TrimSpace(p.options.Separator) == "" {
			return " ", nil
		}
		return p.options.Separator, nil
	}
	var texts []string // that are no lists
	for text := range column {
		if t := p.texts[text]; t != "" {
			if _, ok := bracketed(t); !ok {
				texts = append(texts, t)
			}
		}
	}
	slices.Sort(texts)
	if p.options.Task != task.Multilabel || p.known(texts, whole) {
		return whole, nil
	}
	var there []string
	for _, s := range separators {
		if slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, s) }) {
			there = append(there, s)
		}
	}
	if len(there) == 0 {
		return whole, nil
	}
	for _, s := range there {
		if p.known(texts, s) || p.fits(texts, s) || s == there[0] && onlyBeside(texts, s) && apart(texts, s) {
			return s, nil
		}
	}
	if len(p.options.ClassNames) > 0 {
		// A mistake in some row: the row's error shows the part that is no class.
		return there[0], nil
	}
	example := texts[slices.IndexFunc(texts, func(t string) bool { return strings.Contains(t, there[0]) })]
	return "", hint.New(fmt.Errorf("%s: the column %q holds %q: it is unclear what separates labels", p.name, p.header[p.labels[k]], shorten(example)),
		"`labels: {separator: %q}` takes it apart; with `task: multiclass` in the section model, it is one label", there[0])
}

// known reports whether there is a list of classes, and every label is in it.
func (p *parser) known(texts []string, separator string) bool {
	if len(p.options.ClassNames) == 0 {
		return false
	}
	names := map[string]bool{}
	for _, name := range p.options.ClassNames {
		names[name] = true
	}
	for _, t := range texts {
		for _, part := range pieces(t, separator) {
			if !names[part] {
				return false
			}
		}
	}
	return true
}

// fits reports whether there are more texts than classes, but not more labels.
func (p *parser) fits(texts []string, separator string) bool {
	if len(texts) <= p.options.Classes || len(p.labels) > 1 {
		return false
	}
	labels := map[string]bool{}
	for _, t := range texts {
		for _, part := range pieces(t, separator) {
			labels[part] = true
		}
	}
	return len(labels) <= p.options.Classes
}

// onlyBeside reports whether no text has another separator within a label. Bars and
// semicolons also separate names with spaces and commas.
func onlyBeside(texts []string, separator string) bool {
	others := "|;, "
	if separator == "|" || separator == ";" {
		others = "|;"
	}
	for _, t := range texts {
		for _, part := range pieces(t, separator) {
			if strings.ContainsAny(part, others) {
				return false
			}
		}
	}
	return true
}

// fewParts is the number of texts for each part from which parts are labels: the words of
// names seldom form so many combinations.
const fewParts = 4

// apart reports whether spaces part labels rather than the words of a name: some part of a
// text with several is a number, or is a text of its own, or few parts form many texts.
func apart(texts []string, separator string) bool {
	if separator != " " {
		return true
	}
	alone, distinct := map[string]bool{}, map[string]bool{}
	for _, t := range texts {
		list := pieces(t, separator)
		if len(list) == 1 {
			alone[list[0]] = true
		}
		for _, part := range list {
			distinct[part] = true
		}
	}
	if len(texts) >= fewParts*len(distinct) {
		return true
	}
	for _, t := range texts {
		for _, part := range pieces(t, separator) {
			if alone[part] && strings.Contains(t, separator) || strings.Trim(part, "0123456789-.") == "" {
				return true
			}
		}
	}
	return false
}
