// Package deploy makes a folder to upload of an ensemble: the kernel as one Go
// file, the program built from it, the script that starts it, the encrypted
// weights, and the metadata that Kaggle's client wants.
//
//	result, err := deploy.Deploy(ctx, deploy.Options{Ensemble: "best.yml", Output: "deploy", Owner: "you", …})
//
// Nothing is at Output before everything was checked: the weights are there and
// fit their architectures, the kernel compiles, it predicts two images as the
// unbundled runtime does, and all sizes are under Kaggle's limits. All is made
// in a folder beside Output that is renamed at the end, and is removed whatever
// goes wrong.
//
// The same ensemble, weights and key give the same kernel, program and script.
// Encryption is random; but weights that were encrypted under the key before,
// in what was at Output or in the folders of weights, are taken as they are.
//
// It refuses to put a key into anything public, and to replace a folder that
// it did not make.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// Files in the output folder.
const (
	KernelGo     = "kernel.go"
	KernelPy     = "kernel.py"
	ManifestName = "deploy.json"
	ProgramName  = "kernel.bin"
	KeyName      = "weights.key"
	PushRecord   = "push.json"   // of package push
	SubmitRecord = "submit.json" // of package submit

	kernelMetadata  = "kernel-metadata.json"
	datasetMetadata = "dataset-metadata.json"
	programFolder   = "program"
	weightsFolder   = "weights"
	keyFolder       = "key"
)

// KeyPlace says where a kernel has the key of its weights from.
type KeyPlace uint8

// The places.
const (
	// InKernel has the key in the kernel's source, program and script, which are
	// private.
	InKernel KeyPlace = iota
	// InDataset has the key as a file in a private dataset of its own.
	InDataset
	// InEnvironment has the kernel read DEPLOY_KERNEL_KEY.
	InEnvironment
	// NoKey is for plain weights.
	NoKey
)

// String returns the place as --key-in spells it.
func (p KeyPlace) String() string {
	return [...]string{"kernel", "dataset", "environment", "none"}[p]
}

// Options say what to deploy and how.
type Options struct {
	Ensemble string // path of the ensemble file
	Output   string // the folder to make
	Plan     plan.Options
	// Key encrypts the weights, unless KeyPlace is NoKey.
	Key      crypt.Key
	KeyPlace KeyPlace
	// Budget is the kernel's default time budget; 0 for none.
	Budget time.Duration
	// Limit is the competition's time limit, for the manifest; 0 for none.
	Limit   time.Duration
	Owner   string // Kaggle user, or the address of the profile
	Title   string // of the kernel; "" makes one of the ensemble's name
	Licence string // of the datasets; "" is "other"
	// Competitions and Datasets are mounted beside what is made here; they may be
	// addresses.
	Competitions, Datasets []string
	// PublicKernel, PublicProgram and PublicWeights say what everybody may see.
	PublicKernel, PublicProgram, PublicWeights templates.Visibility
	Target                                     Target
	// Input is a folder with images to verify on; "" makes two.
	Input string
	// Sample is the sample submission, and Images the folder of its images. What is
	// "" is searched for under Input.
	Sample, Images string
	// Formats names the image formats that the kernel decodes. If it is empty, they
	// are jpeg, png and the formats of the images, or all formats without images.
	Formats []string
	// Step prints what the deploy does next.
	Step func(text string)
}

// Budget returns the time that a kernel plans with under a time limit. What Kaggle
// does before and after the kernel counts too, so the budget is 3 % less. The margin
// is at most 10 minutes, and at least 10 seconds or half of a short limit.
func Budget(limit time.Duration) time.Duration {
	least := min(10*time.Second, limit/2)
	return limit - min(max(limit/100*3, least), 10*time.Minute)
}

// Target is what the kernel is built for.
type Target uint8

// The targets.
const (
	// SIMD needs Go's experiment "simd" and linux/amd64; the program chooses
	// AVX-512, AVX2 or scalar code when it starts.
	SIMD Target = iota
	// Portable builds with any Go, for scalar code.
	Portable
)

// Experiment returns the GOEXPERIMENT of the target.
func (t Target) Experiment() string {
	if t == Portable {
		return ""
	}
	return "simd"
}

// state is a deploy on its way.
type state struct {
	Options
	quota    Quota
	built    *plan.Built
	sample   *input.Table  // the sample submission, nil without one
	pictures *input.Found  // the folder of the images, nil before it was searched
	located  *input.Images // of the sample, nil before they were located
	formats  []string      // names of the image formats that the kernel decodes
	stage    string        // folder that is renamed to Output at the end
	work     string        // scratch folder, outside of stage

	source     []byte // kernel.go
	program    File
	script     templates.Kernel
	scriptFile File
	datasets   []Dataset
}

// stages are what a deploy does, in this order.
var stages = []struct {
	name string
	run  func(*state, context.Context) error
}{
	{"reading the ensemble and its weights", (*state).plan},
	{"checking the sample submission", (*state).checkSample},
	{"reading the images' formats", (*state).chooseFormats},
	{"writing the kernel as one Go file", (*state).bundle},
	{"building the program from it", (*state).build},
	{"writing the weights", (*state).weights},
	{"writing the key", (*state).key},
	{"writing the script and the metadata", (*state).metadata},
	{"running the program on two images, beside the unbundled runtime", (*state).verify},
}

// Deploy makes the folder o.Output. It runs the go command.
func Deploy(ctx context.Context, o Options) (*Manifest, error) {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	s := &state{Options: o, quota: Quota{}.withDefaults()}
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	defer s.close()
	for _, stage := range stages {
		o.Step(stage.name)
		if err := stage.run(s, ctx); err != nil {
			return nil, s.renamed(err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	m := s.manifest()
	if err := s.write(ManifestName, m.json()); err != nil {
		return nil, s.renamed(err)
	}
	return m, s.replace()
}

// open makes the folders to work in.
func (s *state) open() (err error) {
	parent, base := filepath.Split(filepath.Clean(s.Output))
	if parent == "" {
		parent = "."
	}
	if s.stage, err = os.MkdirTemp(parent, "."+base+".*.tmp"); err != nil {
		return fmt.Errorf("creating %s: %w", s.Output, atomicfile.Cause(err))
	}
	if err = os.Chmod(s.stage, 0o755); err == nil {
		s.work, err = os.MkdirTemp("", "deploy-kernel-*")
	}
	if err != nil {
		s.close()
		return fmt.Errorf("creating %s: %w", s.Output, atomicfile.Cause(err))
	}
	return nil
}

// close removes what is left of them.
func (s *state) close() {
	os.RemoveAll(s.stage)
	if s.work != "" {
		os.RemoveAll(s.work)
	}
}

// check refuses what makes no sense before any work is done.
func (s *state) check() error {
	errs := []error{s.normalize()}
	if s.Title == "" {
		s.Title = templates.KernelTitle(s.Ensemble)
	}
	if s.KeyPlace == InEnvironment {
		s.warn("the kernel takes its key from DEPLOY_KERNEL_KEY, which a kernel without internet has no way to get on Kaggle; " +
			"attach a private dataset with the key as a .key file, as --key-in dataset does")
	}
	if err := templates.CheckTitle(s.Title); err != nil {
		errs = append(errs, hint.New(err, "name another by --title"))
	}
	if s.KeyPlace == InKernel {
		for _, part := range []struct {
			name string
			v    templates.Visibility
		}{{"kernel", s.PublicKernel}, {"program", s.PublicProgram}} {
			if part.v == templates.Public {
				errs = append(errs, hint.New(fmt.Errorf("the %s would hold the weights' key: it can't be public", part.name),
					"--key-in dataset keeps the key in a private dataset of its own"))
			}
		}
	}
	if s.KeyPlace != NoKey && s.Key.IsZero() {
		errs = append(errs, errors.New("no key was given"))
	}
	return errors.Join(append(errs, s.checkOutput())...)
}

// checkOutput refuses to replace a folder of the user's.
func (s *state) checkOutput() error {
	if _, err := os.Lstat(s.Output); err != nil {
		return nil
	}
	if _, err := ReadManifest(s.Output); err != nil && !empty(s.Output) {
		return hint.New(fmt.Errorf("%s exists, and was not made by deploy-kernel", s.Output), "name another folder by --output")
	}
	return nil
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// replace gives the finished folder its name. Of what was there it keeps the records
// of uploads and submissions, so that what did not change is not uploaded again.
func (s *state) replace() error {
	for _, name := range []string{PushRecord, SubmitRecord} {
		_, err := copyFile(filepath.Join(s.Output, name), filepath.Join(s.stage, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replacing %s: %w", s.Output, err)
		}
	}
	old := s.stage + ".old"
	err := os.Rename(s.Output, old)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing %s: %w", s.Output, atomicfile.Cause(err))
	}
	if err := os.Rename(s.stage, s.Output); err != nil {
		_ = os.Rename(old, s.Output)
		return fmt.Errorf("creating %s: %w", s.Output, atomicfile.Cause(err))
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("removing what was in %s before: %w", s.Output, err)
	}
	return nil
}

// write writes a file of the output folder.
func (s *state) write(name string, data []byte) error {
	path := filepath.Join(s.stage, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// renamed returns err with the folder's name in place of the temporary one.
func (s *state) renamed(err error) error {
	if err == nil || !strings.Contains(err.Error(), s.stage) {
		return err
	}
	return &renamedError{err, strings.ReplaceAll(err.Error(), s.stage, filepath.Clean(s.Output))}
}

type renamedError struct {
	err  error
	text string
}

func (e *renamedError) Error() string { return e.text }
func (e *renamedError) Unwrap() error { return e.err }
