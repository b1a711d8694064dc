package input

import (
	"cmp"
	"errors"
)

// Choice is a sample submission chosen from several.
type Choice struct {
	*Sample
	// Candidates lists the files that were or would have been read, the best
	// first.
	Candidates []string
	// Passed holds the reasons why better candidates were passed over.
	Passed []error
	// Images locates the images of the ids, or is nil.
	Images *Items
}

// ChooseSample reads the best of the paths, which are sorted like Found.Samples. A
// sample with images, by rules.Images, is better than one without. A table of the
// test images counts only if there is nothing else.
//
// ChooseSample returns a *FormError for a sample of a form that does not fit, unless another
// sample has images. It returns nil and no error if there are no paths.
func ChooseSample(paths []string, rules SampleRules) (*Choice, error) {
	paths = withoutTests(paths)
	if len(paths) == 0 {
		return nil, nil
	}
	c := &Choice{Candidates: paths}
	var wrong, damaged, failed error
	if search := rules.Images; search != nil {
		rules.Images = func(ids []string) (*Items, error) {
			images, err := search(ids)
			failed = cmp.Or(failed, err)
			return images, err
		}
	}
	images := false // c.Sample has some
	for _, path := range paths {
		s, err := ReadSample(path, rules)
		var form *FormError
		switch {
		case failed != nil:
			return nil, failed
		case errors.As(err, &form):
			if wrong == nil {
				wrong = err
			}
			continue
		case err != nil:
			damaged = errors.Join(damaged, err)
			continue
		}
		var located *Items
		if len(paths) > 1 && rules.Images != nil {
			if located, err = rules.Images(s.IDs()); err != nil {
				return nil, err
			}
			images = located.Len() > 0
		}
		if c.Sample == nil || images {
			c.Sample, c.Images = s, located
		}
		if images {
			break
		}
	}
	switch {
	case wrong != nil && !images:
		return nil, wrong
	case c.Sample == nil:
		return nil, damaged
	}
	for _, err := range []error{wrong, damaged} {
		if err != nil {
			c.Passed = append(c.Passed, err)
		}
	}
	return c, nil
}

// withoutTests removes the tables of the test images, unless nothing would remain.
func withoutTests(paths []string) []string {
	var samples []string
	for _, path := range paths {
		if !isTestTable(path) {
			samples = append(samples, path)
		}
	}
	if len(samples) == 0 {
		return paths
	}
	return samples
}
