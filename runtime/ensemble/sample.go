package ensemble

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// readSample reads the sample submission: the one that was named, or the best of
// those that were found. One whose images are there is better than one whose
// images are not. A sample of another kind is refused, unless a sample that is as
// good by its name has images.
func (r *run) readSample(ctx context.Context) error {
	paths := r.samplePaths()
	if len(paths) == 0 {
		return hint(fmt.Errorf("no %s under %s", input.SampleName, r.o.Input),
			"add the competition's data to the input, or name the table of ids by --sample")
	}
	var wrong, damaged error
	images := false // of r.sample
	note := ""
	for _, path := range paths {
		s, err := input.ReadSample(path, r.sampleRules(ctx))
		var kind *input.KindError
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
		has := false
		if len(paths) > 1 {
			found, err := r.imagesOf(ctx, s.Table)
			if err != nil {
				return err
			}
			has = found.Len() > 0
		}
		if r.sample == nil || has && !images {
			r.sample, note, images = s.Table, s.Note, has
		}
		if images {
			break
		}
	}
	switch {
	case wrong != nil && !images:
		return KindHint(wrong)
	case r.sample == nil:
		return damaged
	}
	for _, err := range []error{wrong, damaged} {
		if err != nil {
			r.journal.warn("passed over: %v", err)
		}
	}
	if len(paths) > 1 {
		r.journal.line("the sample submission is %s, of %s", r.sample.Name, strings.Join(paths, ", "))
	}
	if note != "" {
		r.journal.warn("%s", note)
	}
	if r.o.Limit > 0 && r.o.Limit < len(r.sample.Rows) {
		r.sample.Rows = r.sample.Rows[:r.o.Limit]
	}
	r.ids, r.places = distinct(r.sample)
	if n := len(r.sample.Rows) - len(r.ids); n > 0 {
		r.journal.warn("%s: %d ids are there more than once; each is predicted once and written in every row that has it", r.sample.Name, n)
	}
	return nil
}

// samplePaths lists the files that may be the sample submission, the best first.
// A table of the test images counts where there is nothing else.
func (r *run) samplePaths() []string {
	if r.o.Sample != "" {
		return []string{r.o.Sample}
	}
	var samples, tests []string
	for _, path := range r.found.Samples {
		if input.IsTestTable(path) {
			tests = append(tests, path)
		} else {
			samples = append(samples, path)
		}
	}
	if len(samples) == 0 {
		return tests
	}
	return samples
}

// sampleRules say which samples the run accepts.
func (r *run) sampleRules(ctx context.Context) input.SampleRules {
	rules := r.plan.SampleRules()
	if r.o.Submission != input.Unsettled {
		rules.Submission = r.o.Submission
	}
	rules.Images = func(ids []string) *input.Images {
		found, err := r.imagesOfIDs(ctx, ids)
		if err != nil {
			return &input.Images{}
		}
		return found
	}
	return rules
}

// SampleRules returns what the plan says of the sample submissions that it can
// answer.
func (p *Plan) SampleRules() input.SampleRules {
	return input.SampleRules{Classes: p.Classes, Submission: p.Submission, Training: p.Training, Column: p.Column}
}

// KindHint adds to the error of a sample of another kind what the user can do.
func KindHint(err error) error {
	var kind *input.KindError
	if errors.As(err, &kind) && kind.Ambiguous {
		return hint(err, "where each field may have several class numbers, say so by --submission labels")
	}
	return err
}

// imagesOf locates the images of a table.
func (r *run) imagesOf(ctx context.Context, t *input.Table) (*input.Images, error) {
	return r.imagesOfIDs(ctx, t.IDs())
}

func (r *run) imagesOfIDs(ctx context.Context, ids []string) (*input.Images, error) {
	if r.o.Images == "" {
		return r.found.Images(ctx, ids)
	}
	found, err := input.ImagesUnder(ctx, r.o.Images, ids)
	if err != nil {
		return nil, hint(fmt.Errorf("the folder of the images: %w", err), "name another by --images")
	}
	return found, nil
}
