package deploy

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// Options say what to deploy and how. Ensemble, Output and Owner are required, and
// Key unless KeyPlace is folder.NoKey.
type Options struct {
	Ensemble string // path of the ensemble file
	Output   string // the folder to make
	Plan     plan.Options
	// Key encrypts the weights, unless KeyPlace is folder.NoKey.
	Key      crypt.Key
	KeyPlace folder.KeyPlace
	// Budget is the kernel's default time budget; 0 means none.
	Budget time.Duration
	// Limit is the competition's time limit, for the manifest; 0 means none.
	Limit   time.Duration
	Owner   string // Kaggle user, or the address of the profile
	Title   string // of the kernel; "" derives one from the ensemble's name
	Licence string // of the datasets; "" is "other"
	// Competitions and Datasets are mounted beside the folder's own datasets. They
	// are names or addresses.
	Competitions, Datasets []string
	// PublicKernel, PublicProgram and PublicWeights say what everybody may see.
	PublicKernel, PublicProgram, PublicWeights templates.Visibility
	// Input is the folder of the competition's data. The kernel is verified on its
	// first two images. If Input is "", they are drawn.
	Input string
	// Sample is the path of the sample submission, and Images the folder of its
	// images. Those that are "" are searched for under Input.
	Sample, Images string
	// Formats names the image formats that the kernel decodes. If it is empty, they
	// are jpeg, png and the formats of the images, or all formats without images.
	Formats []string
	// Step reports what Deploy does next; nil is silent.
	Step func(text string)
}

// Budget returns the time that a kernel plans with under a time limit. Kaggle's own
// work before and after the kernel counts too, so the budget is 3 % less. The margin
// is at most 10 minutes, and at least 10 seconds or half of a short limit.
func Budget(limit time.Duration) time.Duration {
	least := min(10*time.Second, limit/2)
	return limit - min(max(limit/100*3, least), 10*time.Minute)
}

func (o Options) step(text string) {
	if o.Step != nil {
		o.Step(text)
	}
}

func (o Options) warn(format string, args ...any) {
	if o.Plan.Warn != nil {
		o.Plan.Warn(fmt.Sprintf(format, args...))
	}
}

// sampleName returns the file name of the sample submission, "" if none was named.
func (o Options) sampleName() string {
	if o.Sample == "" {
		return ""
	}
	return filepath.Base(o.Sample)
}

// checked returns o with names in place of addresses and with a title. It refuses
// contradictions before any work is done.
func (o Options) checked() (Options, error) {
	var errs []error
	var err error
	o.Owner, err = ownerName(o.Owner)
	errs = append(errs, err)
	o.Competitions, err = each(o.Competitions, templates.Competition)
	errs = append(errs, hint.New(err, "the address of a competition is https://www.kaggle.com/competitions/NAME: give --competition NAME"))
	o.Datasets, err = each(o.Datasets, templates.DatasetRef)
	errs = append(errs, hint.New(err, "give --dataset OWNER/NAME"))
	if o.Title == "" {
		o.Title = templates.KernelTitle(o.Ensemble)
	}
	if o.KeyPlace == folder.InEnvironment {
		o.warn("the kernel takes its key from DEPLOY_KERNEL_KEY, which a kernel without internet has no way to get on Kaggle; " +
			"attach a private dataset with the key as a .key file, as --key-in dataset does")
	}
	if err := templates.CheckTitle(o.Title); err != nil {
		errs = append(errs, hint.New(err, "name another by --title"))
	}
	errs = append(errs, o.checkKey(), folder.CheckOutput(o.Output))
	return o, errors.Join(errs...)
}

// checkKey refuses a missing key, and a key or plain weights that everybody would see.
func (o Options) checkKey() error {
	var errs []error
	if o.KeyPlace == folder.InKernel {
		for _, part := range []struct {
			name       string
			visibility templates.Visibility
		}{{"kernel", o.PublicKernel}, {"program", o.PublicProgram}} {
			if part.visibility == templates.Public {
				errs = append(errs, hint.New(fmt.Errorf("the %s would hold the weights' key: it can't be public", part.name),
					"--key-in dataset keeps the key in a private dataset of its own"))
			}
		}
	}
	if o.KeyPlace == folder.NoKey && o.PublicWeights == templates.Public {
		errs = append(errs, hint.New(errors.New("the weights would not be encrypted: they can't be public"),
			"leave out --plain, and everybody sees encrypted weights only"))
	}
	if o.KeyPlace != folder.NoKey && o.Key.IsZero() {
		errs = append(errs, errors.New("no key was given"))
	}
	return errors.Join(errs...)
}

// ownerName returns the name of a Kaggle user, from a name or an address.
func ownerName(text string) (string, error) {
	name, err := templates.User(text)
	return name, hint.New(err, "name your Kaggle user by --user")
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
