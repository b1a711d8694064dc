package templates

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Kaggle's limits, from its client's source and its documentation.
const (
	// maxScript bounds the bytes of a kernel's script, exclusively.
	maxScript = 1_000_000
	// MaxDatasetFiles bounds the files at the top of a dataset.
	MaxDatasetFiles = 50
	// MaxDataset bounds the bytes of a dataset.
	MaxDataset = 200_000_000_000

	minKernelTitle  = 5
	minDatasetTitle = 6
	maxTitle        = 50
	minSlug         = 6 // the client enforces 6; the documentation says 3
	maxSlug         = 50
)

// CheckScriptSize returns an error if Kaggle refuses a script of so many bytes.
func CheckScriptSize(bytes int64) error {
	if bytes >= maxScript {
		return fmt.Errorf("%d bytes; Kaggle takes less than %d", bytes, maxScript)
	}
	return nil
}

// CheckFileCount returns an error if Kaggle refuses a dataset of n files.
func CheckFileCount(n int) error {
	if n > MaxDatasetFiles {
		return fmt.Errorf("%d files; Kaggle takes %d at the top of a dataset", n, MaxDatasetFiles)
	}
	return nil
}

// Slug returns the address that Kaggle derives from a title: lower case, with one
// dash for each run of characters other than a-z and 0-9.
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

// Title returns a title made from the words of name, an ensemble's or a file's. It
// has at most limit characters, and its slug has the same words.
func Title(name string, limit int) string {
	words := strings.Split(Slug(name), "-")
	title := strings.Join(words, " ")
	for len(title) > limit && len(words) > 1 {
		words = words[:len(words)-1]
		title = strings.Join(words, " ")
	}
	return strings.TrimSpace(title[:min(len(title), limit)])
}

var scoreInName = regexp.MustCompile(`_val_-?([0-9]+(\.[0-9]+)?)$`)

// SplitScore divides an ensemble's name into what precedes its score and the score
// without its sign: "best_val_0.83" is "best" and "0.83". Without a score it returns
// name and "".
func SplitScore(name string) (stem, score string) {
	m := scoreInName.FindStringSubmatchIndex(name)
	if m == nil {
		return name, ""
	}
	return name[:m[0]], name[m[2]:m[3]]
}

// KernelTitle returns the default title of an ensemble's kernel, from the path of the
// ensemble file. It leaves out the score, so a new blend keeps its address on Kaggle.
func KernelTitle(ensemble string) string {
	base := filepath.Base(ensemble)
	name, _ := SplitScore(strings.TrimSuffix(base, filepath.Ext(base)))
	title := Title(name, maxTitle)
	if title != "" && CheckTitle(title) != nil { // as short as "best"
		title += " ensemble"
	}
	return title
}

// DatasetTitle returns the title of a kernel's dataset: as much of the kernel's title
// as fits, and what the dataset holds, such as "weights 2". It avoids repetition: for
// "imet weights" it returns "imet weights 2".
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

// CheckTitle returns an error unless title is valid for a kernel. DatasetTitle then
// makes valid titles of it.
func CheckTitle(title string) error { return checkTitle(title, minKernelTitle) }

func checkTitle(title string, least int) error {
	for _, r := range title {
		if r < ' ' || r > '~' {
			return fmt.Errorf("the title %q has %q: use ASCII, because Kaggle derives the address from the title", title, r)
		}
	}
	if n := len(title); n < least || n > maxTitle {
		return fmt.Errorf("the title %q has %d characters; Kaggle takes %d to %d", title, n, least, maxTitle)
	}
	return nil
}

var owner = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// checkOwner returns an error unless name is a possible name of a Kaggle user or
// organization.
func checkOwner(name string) error {
	if !owner.MatchString(name) {
		return fmt.Errorf("%q is no Kaggle user name: letters, digits and dashes only", name)
	}
	return nil
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	archive   = regexp.MustCompile(`(?i)\.(zip|tar|tgz|gz|bz2|xz|7z|rar|zst|pth|pt|th)$`)
)

// CheckFileName returns an error unless Kaggle keeps a file of that name as it is.
// Kaggle drops characters from names, and unpacks archives, .pth files included.
func CheckFileName(name string) error {
	switch {
	case !plainName.MatchString(name):
		return fmt.Errorf("the file name %q would be changed on upload: use letters, digits, dots, dashes and underscores", name)
	case archive.MatchString(name):
		return fmt.Errorf("the file %q would be unpacked on upload", name)
	}
	return nil
}
