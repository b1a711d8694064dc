package input

import "errors"

// Choice is the sample submission that was chosen of several.
type Choice struct {
	*Sample
	// Candidates are the files that were looked at or would have been, the best
	// first.
	Candidates []string
	// Passed are why better candidates were passed over.
	Passed []error
}

// ChooseSample reads the best of the files that may be the sample submission, which
// are sorted like Found.Samples. One whose images are there, by rules.Images, is
// better than one whose images are not. A table of the test images counts where there
// is nothing else. A *KindError is returned for a sample of another kind, unless
// another sample has images; it is nil without error if there are no paths.
func ChooseSample(paths []string, rules SampleRules) (*Choice, error) {
	paths = withoutTests(paths)
	if len(paths) == 0 {
		return nil, nil
	}
	c := &Choice{Candidates: paths}
	var wrong, damaged error
	images := false // of c.Sample
	for _, path := range paths {
		s, err := ReadSample(path, rules)
		var kind *KindError
		switch {
		case errors.As(err, &kind):
			if wrong == nil {
				wrong = err
			}
			continue
		case err != nil:
			damaged = errors.Join(damaged, err)
			continue
		}
		has := len(paths) > 1 && rules.Images != nil && rules.Images(s.IDs()).Len() > 0
		if c.Sample == nil || has && !images {
			c.Sample, images = s, has
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

// withoutTests leaves out the tables of the test images unless there is nothing
// else.
func withoutTests(paths []string) []string {
	var samples []string
	for _, path := range paths {
		if !IsTestTable(path) {
			samples = append(samples, path)
		}
	}
	if len(samples) == 0 {
		return paths
	}
	return samples
}
