package predict

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// testset is what a run answers: the rows of the sample submission and their images.
type testset struct {
	sample *input.Sample // cut to Options.Limit
	rows   []int         // number of the image of each row
	images []image       // one for each distinct image
}

// image is an image of the test set.
type image struct {
	id   string
	path string // "" if there is no file, or if it was not searched for
	size int64  // of the file, in bytes
	time int64  // of the last change, in nanoseconds
}

// newTestset returns the rows of a sample: the first limit rows or, if each is one of
// several of an image, those of the first limit images. If limit is 0, it returns all. The
// paths of the images are empty.
func newTestset(sample *input.Sample, limit int) *testset {
	s := &testset{sample: sample}
	all := sample.Rows
	sample.Rows = nil
	numbers := make(map[string]int, len(all))
	for i, row := range all {
		n, ok := numbers[row.Image]
		switch perClass := s.perClass(); {
		case limit > 0 && !perClass && i == limit:
			return s
		case limit > 0 && perClass && !ok && len(s.images) == limit:
			continue
		case !ok:
			n = len(s.images)
			numbers[row.Image] = n
			s.images = append(s.images, image{id: row.Image})
		}
		sample.Rows, s.rows = append(sample.Rows, row), append(s.rows, n)
	}
	return s
}

// perClass reports whether an image has a row for each class.
func (s *testset) perClass() bool {
	layout := s.sample.Form.Layout
	return layout == input.RowPerClass || layout == input.ClassColumn
}

// answered returns the images whose predictions a .npy file holds: one for each row, or
// each image once if it has a row for each class.
func (s *testset) answered() []int {
	if !s.perClass() {
		return s.rows
	}
	images := make([]int, len(s.images))
	for i := range images {
		images[i] = i
	}
	return images
}

// empty reports whether no image has a file.
func (s *testset) empty() bool {
	for _, m := range s.images {
		if m.path != "" {
			return false
		}
	}
	return true
}

func (s *testset) ids() []string {
	ids := make([]string, len(s.images))
	for i, m := range s.images {
		ids[i] = m.id
	}
	return ids
}

// finder finds the sample submission and the images.
type finder struct {
	root     string       // Options.Input
	folder   string       // Options.Images
	found    *input.Found // under root
	pictures *input.Found // under folder; nil before the first search
}

// newFinder searches the input root.
func newFinder(ctx context.Context, p *ensemble.Plan, o *Options, j *journal) (*finder, error) {
	wanted := input.Wanted{Weights: p.FoldNames(), Endings: vision.Endings()}
	if p.Sample != "" {
		wanted.Samples = append(wanted.Samples, p.Sample)
	}
	found, err := input.Find(ctx, o.Input, wanted)
	if err != nil {
		return nil, hint.New(err, "name the folder that holds weights, images and sample submission by --input")
	}
	for _, w := range found.Warnings {
		j.warn("%s", w)
	}
	return &finder{root: o.Input, folder: o.Images, found: found}, nil
}

// sample reads the sample submission: Options.Sample, or else the best one under the
// root. It also returns where the images are, if the choice of the sample depended on
// them.
func (f *finder) sample(ctx context.Context, p *ensemble.Plan, o *Options, j *journal) (*testset, *input.Items, error) {
	paths := f.found.Samples
	if o.Sample != "" {
		paths = []string{o.Sample}
	}
	rules := p.SampleRules()
	if o.Submission != input.Unsettled && o.Submission != rules.Form.Answer {
		rules.Submission, rules.Form = o.Submission, input.Form{}
	}
	rules.Images = func(ids []string) (*input.Items, error) { return f.images(ctx, ids) }
	chosen, err := input.ChooseSample(paths, rules)
	switch {
	case err != nil:
		return nil, nil, err
	case chosen == nil:
		return nil, nil, hint.New(fmt.Errorf("no %s under %s", input.SampleName, f.root),
			"add the competition's data to the input, or name the table of ids by --sample")
	}
	for _, err := range chosen.Passed {
		j.warn("passed over: %v", err)
	}
	sample := chosen.Sample
	if err := p.CheckForm(&sample.Form, rules.Submission); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", sample.Name, err)
	}
	if len(chosen.Candidates) > 1 {
		j.line("the sample submission is %s, of %s", sample.Name, strings.Join(chosen.Candidates, ", "))
	}
	j.line("submission: %s", &sample.Form)
	if sample.Note != "" {
		j.warn("%s", sample.Note)
	}
	test := newTestset(sample, o.Limit)
	if n := len(sample.Rows) - len(test.images); n > 0 && !test.perClass() {
		j.warn("%s: %d rows repeat an id; each image is predicted once and written to all its rows", sample.Name, n)
	}
	return test, chosen.Images, nil
}

// images locates the images of ids under Options.Images, or else under the root.
func (f *finder) images(ctx context.Context, ids []string) (*input.Items, error) {
	if f.folder == "" {
		return f.found.Items(ctx, ids)
	}
	if f.pictures == nil {
		found, err := input.Find(ctx, f.folder, input.Wanted{Endings: vision.Endings()})
		if err != nil {
			return nil, hint.New(fmt.Errorf("the folder of the images: %w", err), "name another by --images")
		}
		f.pictures = found
	}
	return f.pictures.Items(ctx, ids)
}

// locate returns the images of the test set with their files. where is the answer of an
// earlier search, nil if there was none.
func (f *finder) locate(ctx context.Context, test *testset, where *input.Items) ([]image, error) {
	if where == nil {
		var err error
		if where, err = f.images(ctx, test.ids()); err != nil {
			return nil, err
		}
	}
	images := make([]image, len(test.images))
	inParallel(len(images), func(i int) {
		m := image{id: test.images[i].id}
		if path, info, ok := where.Stat(m.id); ok {
			m.path, m.size, m.time = path, info.Size(), info.ModTime().UnixNano()
		}
		images[i] = m
	})
	return images, nil
}

// explainEmpty warns of a test set without images. Kaggle runs a kernel so before the
// hidden run, if a competition does not show its test images. A folder that the user
// named and that holds other files is an error.
func (f *finder) explainEmpty(test *testset, j *journal) error {
	if len(test.images) == 0 {
		j.warn("%s has no rows: the submission has its header only", test.sample.Name)
		return nil
	}
	under := f.root
	if f.folder != "" {
		under = f.folder
	}
	none := fmt.Sprintf("none of the %d images of %s is under %s", len(test.images), test.sample.Name, under)
	name := test.images[0].id
	if !vision.Endings().Has(name) {
		name += ".png, .jpg or .gif"
	}
	names := fmt.Sprintf("an image is a file named as its id, e.g. %s; name their folder by --images", name)
	if entries, err := os.ReadDir(f.folder); err == nil && len(entries) > 0 {
		return hint.New(errors.New(none), "%s", names)
	}
	j.warn("%s: every row gets the default labels", none)
	j.line("hint: %s", names)
	return nil
}

// lookups is the number of simultaneous file operations. The input root may be on a
// network.
const lookups = 16

// inParallel calls do for 0 to n-1, in several goroutines.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(lookups, n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}
