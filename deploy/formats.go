package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"golang.org/x/sync/errgroup"
)

// basicFormats are in every kernel unless --formats names others: a hidden test set
// may have formats that the public one lacks.
var basicFormats = []string{"jpeg", "png"}

// maxForeign is how many images of unsupported formats are named one by one.
const maxForeign = 5

// chooseFormats sets the formats that the kernel decodes. It refuses images
// that the kernel could not read because of their format. If the user names the
// formats, images that nobody decodes are only a warning.
func (s *state) chooseFormats(ctx context.Context) error {
	s.formats = s.Formats
	if !s.hasImages() {
		if len(s.formats) == 0 {
			s.formats = formats.Names()
		}
		return nil
	}
	seen, foreign, err := s.sniff(ctx)
	if err != nil {
		return err
	}
	if len(s.formats) == 0 {
		s.formats = slices.Clone(basicFormats)
		for _, name := range formats.Names() {
			if seen[name] != "" && !slices.Contains(s.formats, name) {
				s.formats = append(s.formats, name)
			}
		}
		if len(seen) == 0 {
			s.formats = formats.Names() // the images are still to come
		}
	}
	var wrong []error
	for _, name := range formats.Names() {
		if seen[name] != "" && !slices.Contains(s.formats, name) {
			wrong = append(wrong, hint.New(fmt.Errorf("%s: the kernel would lack its format, %s", seen[name], name),
				"--formats %s", strings.Join(append(slices.Clone(s.formats), name), ",")))
		}
	}
	named := strings.Join(s.formats, ",")
	for _, err := range foreign {
		if len(s.Formats) > 0 { // the user has settled it
			s.warn("the kernel would give this image the default labels: %v", err)
			continue
		}
		wrong = append(wrong, hint.New(err, "or deploy without these images, which get the default labels: --formats %s", named))
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	s.Step("the kernel decodes " + strings.Join(s.formats, ", ") + "; --formats names others")
	return nil
}

// sniff returns the formats of the images that the sample submission names, each with
// one file of it, and an error for each image of an unsupported format.
func (s *state) sniff(ctx context.Context) (seen map[string]string, foreign []error, err error) {
	ids := s.sample.IDs()
	images, err := s.findImages(ctx)
	if err != nil {
		return nil, nil, err
	}
	type answer struct {
		path, format string
		err          *vision.FormatError
	}
	answers := make([]answer, len(ids))
	var group errgroup.Group
	group.SetLimit(4 * runtime.GOMAXPROCS(0)) // they wait for the disk
	for i, id := range ids {
		path, ok := images.Path(id)
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			break
		}
		group.Go(func() error {
			a := answer{path: path}
			a.format, a.err = formatOf(path)
			answers[i] = a
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return nil, nil, err
	}
	seen = map[string]string{}
	for _, a := range answers {
		switch {
		case a.err != nil:
			foreign = append(foreign, fmt.Errorf("%s: %w", a.path, a.err))
		case a.format != "" && seen[a.format] == "":
			seen[a.format] = a.path
		}
	}
	if n := len(foreign) - maxForeign; n > 0 {
		foreign = append(foreign[:maxForeign], fmt.Errorf("and %d more images of formats that are not supported", n))
	}
	return seen, foreign, nil
}

// formatOf returns the name of a file's format, or an error for an image of an
// unsupported format. It returns neither for files that are damaged or no images:
// each costs a kernel one row.
func formatOf(path string) (string, *vision.FormatError) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if n == 0 || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", nil
	}
	head = head[:n]
	for _, format := range formats.All() {
		if format.Match(head[:min(n, 64)]) {
			return format.Name, nil
		}
	}
	if name := vision.Sniff(head); vision.IsFormat(name) {
		return "", &vision.FormatError{Name: name}
	}
	return "", nil
}
