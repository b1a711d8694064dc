// Package spelling checks the words of comments and documents against a list of
// American English and a list of the project's own terms.
//
//	c, err := spelling.New()
//	for _, m := range c.Markdown(text) { fmt.Println(m) } // 12: optimiser (American: optimizer)
//
// Code is exempt: backquoted and quoted text, fenced and indented blocks, links,
// flags, paths, words with digits, underscores or inner capitals, words in capitals,
// identifiers of the package that a comment belongs to, and names of folders. A British spelling is
// reported even if it is an identifier.
//
// words/american.txt.gz comes from SCOWL, by way of Debian's wamerican-large; its license is
// words/american.LICENSE. words/project.txt is the project's: one word a line.
package spelling

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

//go:embed words
var lists embed.FS

// Checker knows the words that are spelled right.
type Checker struct {
	words map[string]bool
}

// Mistake is a word that no list has.
type Mistake struct {
	Line     int
	Word     string
	American string // the American spelling of a British word, or ""
}

// String returns the mistake as "line: word".
func (m Mistake) String() string {
	if m.American != "" {
		return fmt.Sprintf("%d: %s (American: %s)", m.Line, m.Word, m.American)
	}
	return fmt.Sprintf("%d: %s", m.Line, m.Word)
}

// New returns a checker with the word lists of this package.
func New() (*Checker, error) {
	c := &Checker{words: map[string]bool{}}
	packed, err := lists.ReadFile("words/american.txt.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	s := bufio.NewScanner(z)
	for s.Scan() {
		c.words[s.Text()] = true
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	own, err := lists.ReadFile("words/project.txt")
	if err != nil {
		return nil, err
	}
	for word := range strings.Lines(string(own)) {
		if word = strings.TrimSpace(word); word != "" && !strings.HasPrefix(word, "#") {
			c.words[word] = true
		}
	}
	return c, nil
}

var (
	fence   = regexp.MustCompile("^ *(```|~~~)")
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	target  = regexp.MustCompile(`\]\([^)]*\)|\]\[[^\]]*\]|(?m)^\[[^\]]*\]: .*$`)
	tag     = regexp.MustCompile(`</?[a-zA-Z][^>]*>`)
)

// Markdown returns the mistakes in the prose of a Markdown text.
func (c *Checker) Markdown(text string) []Mistake {
	blank := func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) }
	text = comment.ReplaceAllStringFunc(text, blank)
	lines, code := strings.Split(text, "\n"), false
	for i, line := range lines {
		if fence.MatchString(line) {
			code = !code
			lines[i] = ""
		} else if code || strings.HasPrefix(line, "    ") && !strings.HasPrefix(strings.TrimLeft(line, " "), "-") {
			lines[i] = ""
		}
	}
	text = strings.Join(lines, "\n")
	text = target.ReplaceAllStringFunc(text, func(s string) string { return "] " + blank(s) })
	text = tag.ReplaceAllStringFunc(text, blank)
	return c.prose(text, 1, nil)
}

// Go returns the mistakes in the comments of a parsed file. Words that are in names
// are exempt.
func (c *Checker) Go(fset *token.FileSet, f *ast.File, names map[string]bool) []Mistake {
	var all []Mistake
	outputs := exampleOutputs(f)
	for _, group := range f.Comments {
		for _, com := range group.List {
			if outputs[com.Pos()] {
				break
			}
			all = append(all, c.prose(commentText(com.Text), fset.Position(com.Pos()).Line, names)...)
		}
	}
	return all
}

// exampleOutputs returns the positions of comments that hold an example's output.
func exampleOutputs(f *ast.File) map[token.Pos]bool {
	at := map[token.Pos]bool{}
	for _, group := range f.Comments {
		output := false
		for _, com := range group.List {
			text := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(com.Text, "//")))
			output = output || strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")
			if output {
				at[com.Pos()] = true
			}
		}
	}
	return at
}

// commentText returns the prose of a comment, on its own lines. Directives, and code
// that a tab indents, are blank.
func commentText(text string) string {
	if body, ok := strings.CutPrefix(text, "/*"); ok {
		return strings.TrimSuffix(body, "*/")
	}
	body := strings.TrimPrefix(text, "//")
	if strings.HasPrefix(body, "\t") || strings.HasPrefix(body, " \t") || strings.HasPrefix(body, "   ") {
		return ""
	}
	if body != "" && body[0] != ' ' { // a directive, such as //go:embed
		return ""
	}
	return body
}

var (
	quoted = regexp.MustCompile("`[^`]*`|\"[^\"\n]*\"|“[^”]*”")
	// ref is a link of godoc, a web address, a path, a flag or a call.
	ref = regexp.MustCompile(`\[[\w.*]+\]|https?://\S+|\S*[/\\_@=<>{}|$#+^~%:]\w\S*|--?[a-z][\w-]*|\w+(\.\w+)+|\w+\(\S*\)?|\.\w+|\w*\d\w*|\w+\[`)
	// word is letters, with apostrophes inside.
	word = regexp.MustCompile(`\pL+(?:['’]\pL+)*`)
	caps = regexp.MustCompile(`^\p{Lu}+(s|'s|’s)?$`)
	deep = regexp.MustCompile(`\p{Ll}\p{Lu}|\p{Lu}{2,}\p{Ll}`)
)

// prose returns the mistakes of text whose first line is line.
func (c *Checker) prose(text string, line int, names map[string]bool) []Mistake {
	keep := func(s string) string { return " " + strings.Repeat("\n", strings.Count(s, "\n")) }
	text = quoted.ReplaceAllStringFunc(text, keep)
	var all []Mistake
	for i, l := range strings.Split(text, "\n") {
		for _, w := range word.FindAllString(ref.ReplaceAllString(l, " "), -1) {
			w = strings.ReplaceAll(w, "’", "'")
			w = strings.TrimSuffix(strings.TrimSuffix(w, "'s"), "'")
			if len(w) < 2 || caps.MatchString(w) || deep.MatchString(w) {
				continue
			}
			if american, ok := c.british(w); ok {
				all = append(all, Mistake{line + i, w, american})
			} else if !c.known(w) && !names[w] {
				all = append(all, Mistake{line + i, w, ""})
			}
		}
	}
	return all
}

// prefixes make new words of long ones.
var prefixes = []string{"un", "re", "pre", "sub", "non", "over", "multi", "de"}

// known reports whether a list has w, perhaps as a word that begins a sentence or has a
// prefix.
func (c *Checker) known(w string) bool {
	lower := strings.ToLower(w)
	if c.words[w] || c.words[lower] {
		return true
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(lower, p); ok && len(rest) >= 5 && c.words[rest] {
			return true
		}
	}
	return false
}

// rules turn British endings into American ones.
var rules = []struct{ british, american string }{
	{"isation", "ization"},
	{"isations", "izations"},
	{"ise", "ize"},
	{"ised", "ized"},
	{"ises", "izes"},
	{"ising", "izing"},
	{"iser", "izer"},
	{"isers", "izers"},
	{"yse", "yze"},
	{"ysed", "yzed"},
	{"ysing", "yzing"},
	{"our", "or"},
	{"ours", "ors"},
	{"oured", "ored"},
	{"ouring", "oring"},
	{"oural", "oral"},
	{"ourable", "orable"},
	{"tre", "ter"},
	{"tres", "ters"},
	{"tred", "tered"},
	{"lled", "led"},
	{"lling", "ling"},
	{"ller", "ler"},
	{"llings", "lings"},
	{"ence", "ense"},
	{"ences", "enses"},
	{"ogue", "og"},
	{"grey", "gray"},
	{"greys", "grays"},
	{"elt", "elled"},
	{"rnt", "rned"},
}

// british returns the American spelling of a word that only Britain spells so.
func (c *Checker) british(w string) (string, bool) {
	lower := strings.ToLower(w)
	if c.words[lower] || c.words[w] {
		return "", false
	}
	for _, r := range rules {
		if stem, ok := strings.CutSuffix(lower, r.british); ok && c.words[stem+r.american] {
			return stem + r.american, true
		}
	}
	return "", false
}
