package deploy

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// normalize turns addresses into the names that Kaggle's client wants. It refuses
// texts that are neither.
func (s *state) normalize() error {
	var errs []error
	owner, err := templates.User(s.Owner)
	if err != nil {
		errs = append(errs, hint.New(err, "name your Kaggle user by --user"))
	}
	s.Owner = owner
	s.Competitions, err = each(s.Competitions, templates.Competition)
	errs = append(errs, hint.New(err, "the address of a competition is https://www.kaggle.com/competitions/NAME: give --competition NAME"))
	s.Datasets, err = each(s.Datasets, templates.DatasetRef)
	errs = append(errs, hint.New(err, "give --dataset OWNER/NAME"))
	return errors.Join(errs...)
}

// each returns f of each name, and the joined errors.
func each(names []string, f func(string) (string, error)) ([]string, error) {
	var all []string
	var errs []error
	for _, name := range names {
		one, err := f(name)
		errs = append(errs, err)
		all = append(all, one)
	}
	return all, errors.Join(errs...)
}

// checkSample refuses a sample submission of a kind that the kernel does not write.
// Without --sample it is searched for under --data.
func (s *state) checkSample(ctx context.Context) error {
	rules, paths := s.built.Plan.SampleRules(), []string{s.Sample}
	if s.Sample == "" {
		if s.Input == "" {
			return nil
		}
		found, err := input.Find(ctx, s.Input, nil)
		if err != nil {
			return fmt.Errorf("looking for images to verify on: %w", err)
		}
		paths = found.Samples
		if s.Images == "" {
			s.pictures = found
		}
	}
	if s.Images != "" || s.Input != "" {
		rules.Images = func(ids []string) (*input.Images, error) { return s.imagesOf(ctx, ids) }
	}
	sample, err := input.ChooseSample(paths, rules)
	switch {
	case err != nil:
		return predict.KindHint(err)
	case sample == nil:
		return hint.New(fmt.Errorf("%s: there is no %s", s.Input, input.SampleName), "name it by --sample")
	}
	for _, err := range sample.Passed {
		s.warn("passed over: %v", err)
	}
	if sample.Note != "" {
		s.warn("%s", sample.Note)
	}
	s.sample, s.located = sample.Table, sample.Images
	if s.Sample != "" {
		s.built.Plan.Sample = filepath.Base(s.Sample)
	}
	return nil
}
