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

// basicFormats are in every kernel unless Options.Formats names others: a hidden
// test set may have formats that the public one lacks.
var basicFormats = []string{"jpeg", "png"}

// maxForeign bounds the images of unsupported formats that are named one by one.
const maxForeign = 5

// chooseFormats returns the formats that the kernel decodes. It refuses images whose
// format the kernel would lack. If o.Formats names the formats, images of a format
// that no kernel decodes cause only a warning.
func chooseFormats(ctx context.Context, o Options, tests *testSet) ([]string, error) {
	chosen := slices.Clone(o.Formats)
	if !tests.hasImages() {
		if len(chosen) == 0 {
			chosen = formats.Names()
		}
		return chosen, nil
	}
	seen, foreign, err := tests.formats(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case len(chosen) > 0:
	case len(seen) == 0:
		chosen = formats.Names() // the images are still to come
	default:
		chosen = slices.Clone(basicFormats)
		for _, name := range formats.Names() {
			if seen[name] != "" && !slices.Contains(chosen, name) {
				chosen = append(chosen, name)
			}
		}
	}
	var wrong []error
	for _, name := range formats.Names() {
		if seen[name] != "" && !slices.Contains(chosen, name) {
			wrong = append(wrong, hint.New(fmt.Errorf("%s: the kernel would lack its format, %s", seen[name], name),
				"--formats %s", strings.Join(append(slices.Clone(chosen), name), ",")))
		}
	}
	named := strings.Join(chosen, ",")
	for _, err := range foreign {
		if len(o.Formats) > 0 { // the user has decided
			o.warn("the kernel would give this image the default labels: %v", err)
			continue
		}
		wrong = append(wrong, hint.New(err, "or deploy without these images, which get the default labels: --formats %s", named))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	o.step("the kernel decodes " + strings.Join(chosen, ", ") + "; --formats names others")
	return chosen, nil
}

// formats returns the formats of the sample's images, each with one file of it. It
// returns an error for each image of an unsupported format.
func (t *testSet) formats(ctx context.Context) (seen map[string]string, foreign []error, err error) {
	ids := t.sample.IDs()
	images, err := t.locate(ctx)
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
// unsupported format. It returns neither for a damaged file or one that is no image:
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
