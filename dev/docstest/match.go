package docstest

import (
	"regexp"
	"strings"
)

// The figures that "figures vary" lets differ, the special kinds first.
var figures = []*regexp.Regexp{
	// A duration: 800ms, 6.5s, 9h0m0s.
	regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:h|m|s|ms|µs|ns)\b`),
	// A size: 950 bytes, 1.3 kB.
	regexp.MustCompile(`\b\d+(?:\.\d+)? (?:bytes|[kMGT]B)\b`),
	// A number: digits with separators, a fraction, an exponent and a sign.
	regexp.MustCompile(`[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?`),
}

// progress is a line that names a stage of a long job; quick machines do not print it.
var progress = regexp.MustCompile(`(?m)^[a-z-]+: .* \.\.\.( \(\d+s\))?\n`)

// Match reports whether got is the output that a document shows. In shown, "…"
// stands for any text within a line, and a line that is only "…" for any number of
// lines. If vary is set, any number, duration or size stands for any other of its kind,
// and spaces that align columns may differ in number. Lines that name a stage of a long
// job are ignored.
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
			kind, loc := firstFigure(p[at:])
			if loc == nil {
				b.WriteString(quoteLoose(p[at:]))
				break
			}
			b.WriteString(quoteLoose(p[at : at+loc[0]]))
			b.WriteString(kind.String())
			at += loc[1]
		}
		parts[i] = b.String()
	}
	return strings.Join(parts, `.*`)
}

// firstFigure returns the first figure of a text, with its kind; loc is nil if there is
// none.
func firstFigure(text string) (kind *regexp.Regexp, loc []int) {
	for _, f := range figures {
		if at := f.FindStringIndex(text); at != nil && (loc == nil || at[0] < loc[0]) {
			kind, loc = f, at
		}
	}
	return kind, loc
}

var spaces = regexp.MustCompile(` {2,}`)

// quoteLoose quotes text, in which two or more spaces stand for one or more.
func quoteLoose(text string) string {
	return spaces.ReplaceAllString(regexp.QuoteMeta(text), " +")
}
