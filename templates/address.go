package templates

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var slugText = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Competition returns the name of a competition as Kaggle's client spells it. The
// text is a name or an address:
//
//	imet-2019-fgvc6
//	c/imet-2019-fgvc6
//	https://www.kaggle.com/competitions/imet-2019-fgvc6/overview
//
// It refuses titles and the addresses of other pages.
func Competition(text string) (string, error) {
	parts, full, err := address(text)
	if err != nil {
		return "", fmt.Errorf("the competition %q: %w", text, err)
	}
	marked := len(parts) > 0 && (parts[0] == "c" || parts[0] == "competitions")
	if marked {
		parts = parts[1:]
	}
	switch {
	case len(parts) == 0:
		return "", fmt.Errorf("the competition %q has no name", text)
	case full && !marked:
		return "", fmt.Errorf("%q is not the address of a competition, which is https://www.kaggle.com/competitions/NAME", text)
	case !marked && len(parts) > 1:
		return "", fmt.Errorf("the competition %q looks like a dataset, OWNER/NAME; a competition has a name only", text)
	}
	name := strings.ToLower(parts[0])
	if !slugText.MatchString(name) {
		return "", fmt.Errorf("the competition %q: name it as its address does, such as imet-2019-fgvc6", text)
	}
	return name, nil
}

// DatasetRef returns OWNER/NAME or OWNER/NAME/VERSION, as Kaggle's client spells it.
// The text is a name or an address:
//
//	you/imet-weights
//	https://www.kaggle.com/datasets/you/imet-weights/data
//	https://www.kaggle.com/datasets/you/imet-weights/versions/3
func DatasetRef(text string) (string, error) {
	parts, full, err := address(text)
	if err != nil {
		return "", fmt.Errorf("the dataset %q: %w", text, err)
	}
	marked := len(parts) > 0 && (parts[0] == "datasets" || parts[0] == "d")
	switch {
	case marked:
		parts = parts[1:]
	case len(parts) > 0 && (parts[0] == "c" || parts[0] == "competitions" || parts[0] == "code" || parts[0] == "models"):
		return "", fmt.Errorf("%q is not the address of a dataset", text)
	}
	if len(parts) < 2 {
		return "", fmt.Errorf("the dataset %q: name it as OWNER/NAME", text)
	}
	owner, name, rest := parts[0], strings.ToLower(parts[1]), parts[2:]
	if err := checkOwner(owner); err != nil {
		return "", fmt.Errorf("the dataset %q: %w", text, err)
	}
	if !slugText.MatchString(name) {
		return "", fmt.Errorf("the dataset %q: name it as its address does, such as you/imet-weights", text)
	}
	ref := owner + "/" + name
	if len(rest) == 2 && rest[0] == "versions" {
		rest = rest[1:]
	}
	switch {
	case len(rest) == 1 && version.MatchString(rest[0]):
		return ref + "/" + rest[0], nil
	case len(rest) > 0 && !full && !marked:
		return "", fmt.Errorf("the dataset %q: name it as OWNER/NAME or OWNER/NAME/VERSION", text)
	}
	return ref, nil
}

var version = regexp.MustCompile(`^[1-9][0-9]*$`)

// User returns the name of a Kaggle user. The text is a name or the address of a
// profile.
func User(text string) (string, error) {
	parts, full, err := address(text)
	if err != nil || len(parts) != 1 {
		return text, checkOwner(text)
	}
	name := strings.TrimPrefix(parts[0], "@")
	if !full && name == text {
		return text, checkOwner(text)
	}
	return name, checkOwner(name)
}

// address splits a name or an address of kaggle.com into the parts of its path. full
// reports whether the text names the site.
func address(text string) (parts []string, full bool, err error) {
	path := strings.TrimSpace(text)
	if strings.Contains(path, "://") {
		u, err := url.Parse(path)
		if err != nil {
			return nil, false, errors.New("it is not a valid address")
		}
		path = u.Host + u.Path
		full = true
	}
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	host, rest, _ := strings.Cut(path, "/")
	switch host = strings.ToLower(host); {
	case host == "kaggle.com" || host == "www.kaggle.com":
		path, full = rest, true
	case full:
		return nil, true, fmt.Errorf("it is an address of %s, not of kaggle.com", host)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts, full, nil
}
