package deploy

import (
	"cmp"
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// testSet is the sample submission and the images of the competition's data. Images
// are located when they are first asked for.
type testSet struct {
	folder string        // of the images; "" if unknown
	sample *input.Sample // nil without a sample submission
	found  *input.Found  // the content of folder, nil before it was searched
	images *input.Items  // of the sample's ids, nil before they were located
}

// openTestSet finds the sample submission at o.Sample or under o.Input, and sets the form
// of the plan. It refuses a form that the kernel can't write.
func openTestSet(ctx context.Context, o Options, p *ensemble.Plan) (*testSet, error) {
	rules := p.SampleRules()
	t := &testSet{folder: cmp.Or(o.Images, o.Input)}
	paths := []string{o.Sample}
	if o.Sample == "" {
		if o.Input == "" {
			return t, nil
		}
		found, err := input.Find(ctx, o.Input, input.Wanted{Endings: vision.Endings()})
		if err != nil {
			return nil, fmt.Errorf("looking for images to verify on: %w", err)
		}
		paths = found.Samples
		if o.Images == "" {
			t.found = found
		}
	}
	if t.folder != "" {
		rules.Images = func(ids []string) (*input.Items, error) { return t.imagesOf(ctx, ids) }
	}
	sample, err := input.ChooseSample(paths, rules)
	switch {
	case err != nil:
		return nil, err
	case sample == nil:
		return nil, hint.New(fmt.Errorf("%s: there is no %s", o.Input, input.SampleName), "name it by --sample")
	}
	for _, err := range sample.Passed {
		o.warn("passed over: %v", err)
	}
	if err := p.CheckForm(&sample.Form, p.Submission); err != nil {
		return nil, fmt.Errorf("%s: %w", sample.Name, err)
	}
	o.step("submission: " + sample.Form.String())
	if sample.Note != "" {
		o.warn("%s", sample.Note)
	}
	if !sample.Test {
		p.Form = sample.Form
	}
	t.sample, t.images = sample.Sample, sample.Images
	return t, nil
}

// hasImages reports whether there are a sample submission and a folder of images.
func (t *testSet) hasImages() bool { return t.sample != nil && t.folder != "" }

// locate returns the images of the sample submission.
func (t *testSet) locate(ctx context.Context) (*input.Items, error) {
	if t.images == nil {
		images, err := t.imagesOf(ctx, t.sample.IDs())
		if err != nil {
			return nil, err
		}
		t.images = images
	}
	return t.images, nil
}

// imagesOf returns the images of ids. It searches the folder once.
func (t *testSet) imagesOf(ctx context.Context, ids []string) (*input.Items, error) {
	if t.found == nil {
		found, err := input.Find(ctx, t.folder, input.Wanted{Endings: vision.Endings()})
		if err != nil {
			return nil, fmt.Errorf("looking for images to verify on: %w", err)
		}
		t.found = found
	}
	return t.found.Items(ctx, ids)
}
