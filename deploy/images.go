package deploy

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// A kernel is tried on checkImages images. The sizes of sizedImages images show
// whether crops see too little.
const (
	checkImages = 2
	sizedImages = 9
)

// images fills the folder dir with two images and a sample submission that names
// them: the first ones of the user's sample, or drawn ones. The copies have names of
// their own, because an id may have folders in it, and two ids may share a file name.
func (s *state) images(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "test"), 0o755); err != nil {
		return err
	}
	ids := []string{"0000000000000001", "1165e02531758026"}
	if s.hasImages() {
		paths, err := s.firstImages(ctx)
		if err != nil {
			return err
		}
		for i, path := range paths {
			if _, err := copyFile(path, filepath.Join(dir, "test", ids[i]+filepath.Ext(path))); err != nil {
				return err
			}
		}
		if len(paths) > 0 {
			return writeSample(filepath.Join(dir, input.SampleName), ids[:len(paths)])
		}
		s.warn("none of the images that %s names is there and can be read: the kernel is checked on drawn ones", s.sample.Name)
	}
	for i, id := range ids {
		if err := writePNG(filepath.Join(dir, "test", id+".png"), pattern(i, s.built.Plan.Models[0].InputSize)); err != nil {
			return err
		}
	}
	return writeSample(filepath.Join(dir, input.SampleName), ids)
}

// firstImages returns the files of the first images that the sample submission names
// and that can be read. It warns of unreadable ones before them.
func (s *state) firstImages(ctx context.Context) (paths []string, err error) {
	images, err := s.findImages(ctx)
	if err != nil {
		return nil, err
	}
	decoder := vision.Decoder{Formats: formats.All()}
	var sizes [][2]int
	for _, id := range s.sample.IDs() {
		path, ok := images.Path(id)
		if !ok || slices.Contains(paths, path) {
			continue
		}
		img, err := decoder.DecodeFile(path)
		if img == nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			s.warn("the kernel would give this image the default labels: %v", err)
			continue
		}
		if len(paths) < checkImages {
			paths = append(paths, path)
		}
		if sizes = append(sizes, [2]int{img.W, img.H}); len(sizes) == sizedImages {
			break
		}
	}
	for _, text := range s.built.Plan.CropWarnings(sizes) {
		s.warn("%s", text)
	}
	return paths, nil
}

// hasImages reports whether there are a sample submission and a folder to search for
// its images.
func (s *state) hasImages() bool { return s.sample != nil && (s.Images != "" || s.Input != "") }

// findImages locates the images of the sample submission, once.
func (s *state) findImages(ctx context.Context) (*input.Images, error) {
	if s.located == nil {
		images, err := s.imagesOf(ctx, s.sample.IDs())
		if err != nil {
			return nil, err
		}
		s.located = images
	}
	return s.located, nil
}

// imagesOf locates the images of ids in the folder that was named, else under the
// input.
func (s *state) imagesOf(ctx context.Context, ids []string) (*input.Images, error) {
	if s.pictures == nil {
		found, err := input.Find(ctx, cmp.Or(s.Images, s.Input), nil)
		if err != nil {
			return nil, fmt.Errorf("looking for images to verify on: %w", err)
		}
		s.pictures = found
	}
	return s.pictures.Images(ctx, ids)
}

// warn prints a warning.
func (s *state) warn(format string, args ...any) {
	if s.Plan.Warn != nil {
		s.Plan.Warn(fmt.Sprintf(format, args...))
	}
}

func writeSample(path string, ids []string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	rows := [][]string{{"id", "attribute_ids"}}
	for _, id := range ids {
		rows = append(rows, []string{id, "0"})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return f.Close()
}

// pattern draws image i, somewhat larger than the network's input: waves of
// different lengths in each colour, upright or lying.
func pattern(i, size int) image.Image {
	w, h := size+size/4+3, size+size/8+1
	if i%2 == 1 {
		w, h = h, w
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{
				R: uint8(x * 7 * (i + 1)), G: uint8(y*5 + x*x/(16+i)), B: uint8((x ^ y) * (3 + i)), A: 255,
			})
		}
	}
	return img
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		return err
	}
	return f.Close()
}
