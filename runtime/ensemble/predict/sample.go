package predict

import (
	"context"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// readSample reads the sample submission: the one that was named, or the best of
// those that were found.
func (r *run) readSample(ctx context.Context) error {
	paths := r.found.Samples
	if r.o.Sample != "" {
		paths = []string{r.o.Sample}
	}
	rules := r.plan.SampleRules()
	if r.o.Submission != input.Unsettled {
		rules.Submission = r.o.Submission
	}
	rules.Images = func(ids []string) (*input.Images, error) { return r.imagesOf(ctx, ids) }
	chosen, err := input.ChooseSample(paths, rules)
	switch {
	case err != nil:
		return ensemble.KindHint(err)
	case chosen == nil:
		return ensemble.Hint(fmt.Errorf("no %s under %s", input.SampleName, r.o.Input),
			"add the competition's data to the input, or name the table of ids by --sample")
	}
	for _, err := range chosen.Passed {
		r.journal.warn("passed over: %v", err)
	}
	r.sample, r.located = chosen.Table, chosen.Images
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

// imagesOf locates the images of ids under Options.Images, else under the input.
func (r *run) imagesOf(ctx context.Context, ids []string) (*input.Images, error) {
	if r.o.Images == "" {
		return r.found.Images(ctx, ids)
	}
	if r.pictures == nil {
		found, err := input.Find(ctx, r.o.Images, nil)
		if err != nil {
			return nil, ensemble.Hint(fmt.Errorf("the folder of the images: %w", err), "name another by --images")
		}
		r.pictures = found
	}
	return r.pictures.Images(ctx, ids)
}
