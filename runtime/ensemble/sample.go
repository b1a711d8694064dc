package ensemble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// readSample reads the sample submission: the one that was named, or the best of
// those that were found.
func (r *run) readSample(ctx context.Context) error {
	paths := r.found.Samples
	if r.o.Sample != "" {
		paths = []string{r.o.Sample}
	}
	var failed error
	chosen, err := input.ChooseSample(paths, r.sampleRules(ctx, &failed))
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return KindHint(err)
	case chosen == nil:
		return hint(fmt.Errorf("no %s under %s", input.SampleName, r.o.Input),
			"add the competition's data to the input, or name the table of ids by --sample")
	}
	for _, err := range chosen.Passed {
		r.journal.warn("passed over: %v", err)
	}
	r.sample = chosen.Table
	if len(chosen.Candidates) > 1 {
		r.journal.line("the sample submission is %s, of %s", r.sample.Name, strings.Join(chosen.Candidates, ", "))
	}
	if chosen.Note != "" {
		r.journal.warn("%s", chosen.Note)
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

// sampleRules say which samples the run accepts. The first error of a search for
// images becomes *failed.
func (r *run) sampleRules(ctx context.Context, failed *error) input.SampleRules {
	rules := r.plan.SampleRules()
	if r.o.Submission != input.Unsettled {
		rules.Submission = r.o.Submission
	}
	rules.Images = func(ids []string) *input.Images {
		found, err := r.imagesOfIDs(ctx, ids)
		if err != nil {
			*failed = cmp.Or(*failed, err)
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
