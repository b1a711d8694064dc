package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
)

// ParseClasses returns the names of classes, by number, that text gives: a list with
// commas, or the path of a file that labeltable.ReadClasses reads. It returns nil for "".
func ParseClasses(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	names := strings.Split(text, ",")
	if labeltable.IsClassFile(names) {
		return labeltable.ReadClasses(text)
	}
	seen := map[string]bool{}
	for i, name := range names {
		if names[i] = strings.TrimSpace(name); names[i] == "" || seen[names[i]] {
			return nil, fmt.Errorf("class %d has no name, or that of another: %q", i, names[i])
		}
		seen[names[i]] = true
	}
	return names, nil
}

// parseClassNames returns the names of the classes in the metadata of the weights at path,
// nil if there are none.
func parseClassNames(path string, meta map[string]string) ([]string, error) {
	text := meta["class_names"]
	if text == "" {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, fmt.Errorf("%s: class_names in the weights: %w", path, err)
	}
	return names, nil
}

// classNames returns the names of the classes: those of the options, or else those in the
// weights. It returns an error if they differ between weights, or in number from the
// classes.
func (b *builder) classNames(jobs []*job, classes int) ([]string, error) {
	names, where := b.options.Classes, "--classes"
	if len(names) == 0 {
		for _, j := range jobs {
			if len(j.spec.ClassNames) == 0 {
				continue
			}
			if len(names) > 0 && !slices.Equal(names, j.spec.ClassNames) {
				return nil, hint.New(fmt.Errorf("%s: its classes have other names than those of %s", j.path, where), "say by --classes which are right")
			}
			names, where = j.spec.ClassNames, j.path
		}
	}
	if n := len(names); n > 0 && n != classes {
		return nil, fmt.Errorf("%s: %d class names, but the ensemble has %d classes", where, n, classes)
	}
	return names, nil
}
