package templates

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Kaggle's limits, as its client and its documents tell them.
const (
	// MaxScript is the size, in bytes, that a kernel's source must stay under.
	MaxScript = 1_000_000
	// MaxDatasetFiles is how many files a dataset has at its top at most.
	MaxDatasetFiles = 50
	// MaxDataset is the largest size of one dataset, in bytes.
	MaxDataset = 200_000_000_000

	minKernelTitle  = 5
	minDatasetTitle = 6
	maxTitle        = 50
	minSlug         = 6 // the client enforces 6 where the documents say 3
	maxSlug         = 50
)

// Slug returns the name that Kaggle makes of a title: lower case, with one dash
// for whatever is neither letter nor digit.
func Slug(title string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(title) {
		if r < 'a' || r > 'z' {
			if r < '0' || r > '9' {
				dash = b.Len() > 0
				continue
			}
		}
		if dash {
			b.WriteByte('-')
		}
		dash = false
		b.WriteRune(r)
	}
	return b.String()
}

// Title returns a title for what is called name (an ensemble, a file), at most
// limit characters long and such that its slug says the same.
func Title(name string, limit int) string {
	words := strings.Split(Slug(name), "-")
	title := strings.Join(words, " ")
	for len(title) > limit && len(words) > 1 {
		words = words[:len(words)-1]
		title = strings.Join(words, " ")
	}
	return strings.TrimSpace(title[:min(len(title), limit)])
}

var scoreInName = regexp.MustCompile(`_val_-?[0-9]+(\.[0-9]+)?$`)

// KernelTitle returns the title of the kernel of an ensemble file. It has no score,
// so that an ensemble that is blended again keeps its names on Kaggle.
func KernelTitle(ensemble string) string {
	base := filepath.Base(ensemble)
	name := scoreInName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "")
	title := Title(name, maxTitle)
	if title != "" && CheckTitle(title) != nil { // as short as "best"
		title += " ensemble"
	}
	return title
}

// DatasetTitle returns the title of a dataset that belongs to the kernel of
// that title: as much of the title as fits, and what the dataset holds. A title
// that says so itself does not say it twice.
func DatasetTitle(title, what string) string {
	kind, _, _ := strings.Cut(what, " ")
	words := strings.Split(Slug(title), "-")
	if last := len(words) - 1; words[last] == kind {
		if last == 0 {
			return what
		}
		title = strings.Join(words[:last], " ")
	}
	return strings.TrimSpace(Title(title, maxTitle-len(what)-1) + " " + what)
}

// CheckTitle returns an error unless a kernel and its datasets can have titles
// made of this one.
func CheckTitle(title string) error { return checkTitle(title, minKernelTitle) }

func checkTitle(title string, least int) error {
	for _, r := range title {
		if r < ' ' || r > '~' {
			return fmt.Errorf("the title %q has %q: what Kaggle makes of that in an address is not known; use ASCII", title, r)
		}
	}
	if n := len(title); n < least || n > maxTitle {
		return fmt.Errorf("the title %q has %d characters; Kaggle takes %d to %d", title, n, least, maxTitle)
	}
	return nil
}

var owner = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// CheckOwner returns an error unless name can be that of a Kaggle user or
// organisation.
func CheckOwner(name string) error {
	if !owner.MatchString(name) {
		return fmt.Errorf("%q is no Kaggle user name: letters, digits and dashes only", name)
	}
	return nil
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	archive   = regexp.MustCompile(`(?i)\.(zip|tar|tgz|gz|bz2|xz|7z|rar|zst|pth|pt|th)$`)
)

// CheckFileName returns an error unless a file of that name arrives as it is:
// Kaggle drops characters from names, and unpacks archives (a .pth is one).
func CheckFileName(name string) error {
	switch {
	case !plainName.MatchString(name):
		return fmt.Errorf("the file name %q would be changed on upload: use letters, digits, dots, dashes and underscores", name)
	case archive.MatchString(name):
		return fmt.Errorf("the file %q would be unpacked on upload", name)
	}
	return nil
}
