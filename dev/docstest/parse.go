package docstest

import (
	"fmt"
	"regexp"
	"strings"
)

// Document is a Markdown file whose blocks can be executed.
type Document struct {
	Path     string
	Checkout bool   // it starts in a copy of the repository
	After    string // the document in whose folder it starts, or ""
	Long     bool   // it takes more than seconds
	Skip     string // the reason not to execute any of its blocks, or ""
	Blocks   []Block
}

// Block is a fenced block of a document, or the commands of a run directive.
type Block struct {
	Line   int    // of its first line of text, from 1
	Lang   string // "sh", "console", "go"; "run" for a directive
	Text   string
	Skip   string // the reason not to execute it, or ""
	Status int    // the exit status that its last command must have
	Vary   bool   // numbers in outputs stand for any number
}

// Command is a command line of a block with the output that the document shows.
type Command struct {
	Line   int
	Text   string // one or several lines of shell
	Output string // what it must print; ignored unless Shown
	Shown  bool
}

var directive = regexp.MustCompile(`^<!-- docs-test: (.*?) ?-->$`)

// tools begin command lines that a document must not show outside of sh and console
// blocks.
var tools = regexp.MustCompile(`^(\$ )?(train|blend|infer|crypt|deploy-kernel|make|go (run|test|build|install)) `)

// Parse reads a document. It refuses unknown directives and command lines in blocks
// that are not executed.
func Parse(path, text string) (*Document, error) {
	d := &Document{Path: path}
	lines := strings.Split(text, "\n")
	var next Block // collects the directives of the next block
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case line == "<!-- docs-test: run":
			b := Block{Line: i + 2, Lang: "run"}
			end := until(lines, i+1, "-->")
			b.Text = join(lines[i+1 : end])
			d.Blocks = append(d.Blocks, b)
			i = end
		case strings.HasPrefix(line, "<!-- docs-test:"):
			m := directive.FindStringSubmatch(line)
			if m == nil || !d.direct(m[1], &next) {
				return nil, fmt.Errorf("%s:%d: unknown directive: %s", path, i+1, line)
			}
		case strings.HasPrefix(strings.TrimLeft(line, " "), "```"):
			indent := len(line) - len(strings.TrimLeft(line, " "))
			fence := line[:indent] + "```"
			end := until(lines, i+1, fence)
			b := next
			next = Block{}
			b.Line, b.Lang = i+2, strings.TrimPrefix(line, fence)
			for _, l := range lines[i+1 : end] {
				b.Text += strings.TrimPrefix(l, line[:indent]) + "\n"
			}
			if err := d.add(b); err != nil {
				return nil, err
			}
			i = end
		case strings.HasPrefix(line, "    ") && tools.MatchString(strings.TrimSpace(line)):
			return nil, fmt.Errorf("%s:%d: a command in an indented block: use a fenced sh or console block", path, i+1)
		case strings.TrimSpace(line) != "" && next != (Block{}):
			return nil, fmt.Errorf("%s:%d: a directive without a block", path, i)
		}
	}
	return d, nil
}

// add appends b if it is a block to execute, and refuses command lines in others.
func (d *Document) add(b Block) error {
	switch b.Lang {
	case "sh", "console":
	case "go":
		if !strings.HasPrefix(b.Text, "package main\n") {
			return nil
		}
	case "":
		for n, l := range strings.Split(b.Text, "\n") {
			if tools.MatchString(l) {
				return fmt.Errorf("%s:%d: a command in a block without a language: use sh or console", d.Path, b.Line+n)
			}
		}
		return nil
	default:
		return nil
	}
	if b.Skip == "" {
		b.Skip = d.Skip
	}
	d.Blocks = append(d.Blocks, b)
	return nil
}

// direct applies a directive to the document or to its next block.
func (d *Document) direct(text string, next *Block) bool {
	verb, rest, _ := strings.Cut(text, " ")
	switch {
	case text == "start in a checkout":
		d.Checkout = true
	case strings.HasPrefix(text, "start after "):
		d.After = strings.TrimPrefix(text, "start after ")
	case strings.HasPrefix(text, "skip all: "):
		d.Skip = strings.TrimPrefix(text, "skip all: ")
	case text == "long":
		d.Long = true
	case verb == "skip:" && rest != "":
		next.Skip = rest
	case text == "figures vary":
		next.Vary = true
	case verb == "status":
		n, err := fmt.Sscanf(rest, "%d", &next.Status)
		return n == 1 && err == nil
	default:
		return false
	}
	return true
}

// Commands returns the commands of a block. An sh block is one command.
func (b Block) Commands() []Command {
	if b.Lang != "console" {
		return []Command{{Line: b.Line, Text: b.Text}}
	}
	var all []Command
	open := false // the command goes on in the next line
	for i, line := range strings.Split(strings.TrimSuffix(b.Text, "\n"), "\n") {
		if text, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, Command{Line: b.Line + i, Text: text + "\n", Shown: true})
			open = strings.HasSuffix(text, `\`)
			continue
		}
		if len(all) == 0 {
			all = append(all, Command{Line: b.Line + i, Text: "", Shown: true})
		}
		last := &all[len(all)-1]
		if open {
			last.Text += strings.TrimPrefix(line, "> ") + "\n"
			open = strings.HasSuffix(line, `\`)
			continue
		}
		last.Output += line + "\n"
	}
	return all
}

// until returns the index of the line that is end, or the number of lines.
func until(lines []string, from int, end string) int {
	for i := from; i < len(lines); i++ {
		if strings.TrimRight(lines[i], " ") == end {
			return i
		}
	}
	return len(lines)
}

func join(lines []string) string { return strings.Join(lines, "\n") + "\n" }
