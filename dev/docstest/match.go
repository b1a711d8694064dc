package docstest

import (
	"regexp"
	"strings"
)

// number is what "figures vary" lets differ: digits with separators, a fraction, an
// exponent and a sign.
var number = regexp.MustCompile(`[+-]?\d[\d,]*(\.\d+)?(e[+-]\d+)?`)

// progress is a line that names a stage of a long job; quick machines do not print it.
var progress = regexp.MustCompile(`(?m)^[a-z-]+: .* \.\.\.( \(\d+s\))?\n`)

// Match reports whether got is the output that a document shows. In shown, "…"
// stands for any text within a line, and a line that is only "…" for any number of
// lines. If vary is set, any number stands for any other, and spaces that align
// columns may differ in number. Lines that name a stage of a long job are ignored.
func Match(shown, got string, vary bool) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for _, line := range strings.Split(strings.TrimRight(shown, "\n"), "\n") {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(linePattern(strings.TrimRight(line, " "), vary))
		pattern.WriteString(` *\n`)
	}
	pattern.WriteString(`\z`)
	got = strings.TrimRight(progress.ReplaceAllString(got, ""), "\n") + "\n"
	if strings.TrimSpace(shown) == "" {
		return strings.TrimSpace(got) == ""
	}
	return regexp.MustCompile(pattern.String()).MatchString(got)
}

// linePattern returns a regular expression for a shown line.
func linePattern(line string, vary bool) string {
	parts := strings.Split(line, "…")
	for i, p := range parts {
		if !vary {
			parts[i] = regexp.QuoteMeta(p)
			continue
		}
		var b strings.Builder
		for at := 0; ; {
			loc := number.FindStringIndex(p[at:])
			if loc == nil {
				b.WriteString(quoteLoose(p[at:]))
				break
			}
			b.WriteString(quoteLoose(p[at : at+loc[0]]))
			b.WriteString(number.String())
			at += loc[1]
		}
		parts[i] = b.String()
	}
	return strings.Join(parts, `.*`)
}

var spaces = regexp.MustCompile(` {2,}`)

// quoteLoose quotes text, in which two or more spaces stand for one or more.
func quoteLoose(text string) string {
	return spaces.ReplaceAllString(regexp.QuoteMeta(text), " +")
}
