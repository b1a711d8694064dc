package print

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
)

const (
	// lineBytes is the maximum number of a string's bytes on a line of source.
	lineBytes = 2000
	// sumTerms is the maximum number of terms in a sum of strings. The time of
	// go/printer grows with its square, so longer strings become sums of sums.
	sumTerms = 64
	// apartBytes is the minimum length of strings that gofmt and the type checker
	// don't see.
	apartBytes = 32 << 10
)

// A literals holds the long strings of a bundle. While the bundle is formatted and
// checked, a short placeholder stands for each.
type literals struct {
	mark  string // the beginning of placeholders, which occurs nowhere in the program
	texts []string
}

// newLiterals returns literals whose mark the program doesn't contain.
func newLiterals(p *reach.Live) *literals {
	l := &literals{}
	for i := 0; ; i++ {
		l.mark = fmt.Sprintf("embedded%d-", i)
		if !occurs(p, l.mark) {
			return l
		}
	}
}

// occurs reports whether a text occurs in a source file or in the name of an embedded
// file.
func occurs(p *reach.Live, text string) bool {
	for _, k := range p.Kept {
		if strings.Contains(strings.Join(k.EmbedFiles, "\n"), text) {
			return true
		}
		for _, f := range k.Files {
			if bytes.Contains(f.Src, []byte(text)) {
				return true
			}
		}
	}
	return false
}

// text returns a string as Go source. For a long string it returns a placeholder,
// which fill replaces.
func (l *literals) text(s string) string {
	if len(s) < apartBytes {
		return stringText(s, 0)
	}
	l.texts = append(l.texts, s)
	return fmt.Sprintf(`"%s%d"`, l.mark, len(l.texts)-1)
}

// fill replaces the placeholders in formatted source by the long strings, formatted as
// by gofmt.
func (l *literals) fill(source []byte) ([]byte, error) {
	if len(l.texts) == 0 {
		return source, nil
	}
	var pieces [][]byte
	found, mark := 0, []byte(`"`+l.mark)
	for {
		before, after, ok := bytes.Cut(source, mark)
		pieces = append(pieces, before)
		if !ok {
			break
		}
		number, rest, _ := bytes.Cut(after, []byte(`"`))
		n, err := strconv.Atoi(string(number))
		if err != nil || n >= len(l.texts) {
			return nil, fmt.Errorf("internal error: no embedded file %q", number)
		}
		line := before[bytes.LastIndexByte(before, '\n')+1:]
		tabs := len(line) - len(bytes.TrimLeft(line, "\t"))
		pieces = append(pieces, []byte(stringText(l.texts[n], tabs)))
		source = rest
		found++
	}
	if found != len(l.texts) {
		return nil, fmt.Errorf("internal error: %d of %d embedded files are in the bundle", found, len(l.texts))
	}
	return bytes.Join(pieces, nil), nil
}

// stringText returns a string as Go source: a raw string if that reads better, else a
// sum of quoted lines. The statement around it is indented by tabs.
func stringText(s string, tabs int) string {
	if raw(s) {
		return "`" + s + "`"
	}
	if len(s) <= 100 {
		return strconv.Quote(s)
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	b.WriteString(`"" +`)
	lines := stringLines(s)
	group := 1 // number of lines in each term of the outermost sum
	for len(lines) > group*sumTerms {
		group *= sumTerms
	}
	writeSum(&b, lines, group, tabs, false)
	return b.String()
}

// writeSum writes lines as a sum whose terms have group lines each. The first term of
// an inner sum, which is in parentheses, goes on the current line.
func writeSum(b *strings.Builder, lines []string, group, tabs int, inner bool) {
	for first := true; len(lines) > 0; first = false {
		n := min(group, len(lines))
		at := tabs
		if !first || !inner {
			at++
			b.WriteByte('\n')
			for range at {
				b.WriteByte('\t')
			}
		}
		if group == 1 {
			quoteTo(b, lines[0])
		} else {
			b.WriteByte('(')
			writeSum(b, lines[:n], group/sumTerms, at, true)
			b.WriteByte(')')
		}
		if lines = lines[n:]; len(lines) > 0 {
			b.WriteString(" +")
		}
	}
}

func quoteTo(b *strings.Builder, s string) {
	var buffer [4*lineBytes + 16]byte
	b.Write(strconv.AppendQuote(buffer[:0], s))
}

// stringLines cuts a string into pieces for the lines of the source: after its own
// line breaks, but not into very short pieces.
func stringLines(s string) (lines []string) {
	for len(s) > 0 {
		n := min(len(s), lineBytes)
		if i := strings.IndexByte(s[:n], '\n'); i >= 0 {
			n = max(i+1, min(n, 80))
		}
		for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
			n++
		}
		lines = append(lines, s[:n])
		s = s[n:]
	}
	return lines
}

// raw reports whether a string can be a raw string, and reads better as one.
func raw(s string) bool {
	if len(s) < 40 && !strings.Contains(s, "\n") || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == '`' || r == '\uFEFF' || r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
