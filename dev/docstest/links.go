package docstest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	title      = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	fenced     = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	notInTitle = regexp.MustCompile(`[^\pL\pN _-]`)
)

// BrokenLinks returns the relative links of a document that lead to no file or to no
// heading, as "file: link".
func BrokenLinks(root, name, text string) []string {
	var broken []string
	for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		path, anchor, _ := strings.Cut(m[1], "#")
		if strings.Contains(path, "://") {
			continue
		}
		target := filepath.Join(root, filepath.Dir(name), path)
		if path == "" {
			target = filepath.Join(root, name)
		}
		info, err := os.Stat(target)
		if err != nil {
			broken = append(broken, fmt.Sprintf("%s: %s: no such file", name, m[1]))
			continue
		}
		if anchor == "" || info.IsDir() {
			continue
		}
		b, err := os.ReadFile(target)
		if err != nil || !anchors(string(b))[anchor] {
			broken = append(broken, fmt.Sprintf("%s: %s: no such heading", name, m[1]))
		}
	}
	return broken
}

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range title.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		a := notInTitle.ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(a, " ", "-")] = true
	}
	return all
}
