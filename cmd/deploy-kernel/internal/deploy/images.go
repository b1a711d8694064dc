package deploy

import (
	"context"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// checkImages is on how many images a kernel is tried, and sizedImages how many
// are looked at for their size.
const (
	checkImages = 2
	sizedImages = 9
)

// images fills the folder dir with two images and a sample submission that
// names them: the first ones of s.Input, or drawn ones.
func (s *state) images(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "test"), 0o755); err != nil {
		return err
	}
	ids := []string{"0000000000000001", "1165e02531758026"}
	if s.Input == "" {
		for i, id := range ids {
			if err := writePNG(filepath.Join(dir, "test", id+".png"), pattern(i, s.built.Plan.Models[0].InputSize)); err != nil {
				return err
			}
		}
		return writeSample(filepath.Join(dir, input.SampleName), ids)
	}
	ids, paths, err := s.firstImages(ctx)
	if err != nil {
		return fmt.Errorf("looking for images to verify on: %w", err)
	}
	for _, path := range paths {
		if _, err := copyFile(path, filepath.Join(dir, "test", filepath.Base(path))); err != nil {
			return err
		}
	}
	return writeSample(filepath.Join(dir, input.SampleName), ids)
}

// firstImages returns the first images under s.Input that its sample submission
// names and that can be read. It warns of those before them that can't.
func (s *state) firstImages(ctx context.Context) (ids, paths []string, err error) {
	named, images, err := s.inputImages(ctx)
	if err != nil {
		return nil, nil, err
	}
	decoder := vision.Decoder{Formats: formats.All()}
	var sizes [][2]int
	for _, id := range named {
		path, ok := images.Path(id)
		if !ok {
			continue
		}
		img, err := decoder.DecodeFile(path)
		if img == nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			s.warn("the kernel would predict this image as empty: %v", err)
			continue
		}
		if len(ids) < checkImages {
			ids, paths = append(ids, id), append(paths, path)
		}
		if sizes = append(sizes, [2]int{img.W, img.H}); len(sizes) == sizedImages {
			break
		}
	}
	for _, text := range s.built.Plan.CropWarnings(sizes) {
		s.warn("%s", text)
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%s: none of the images that the sample submission names is there and can be read", s.Input)
	}
	return ids, paths, nil
}

// inputImages returns the ids of s.Input's sample submission, and their images.
func (s *state) inputImages(ctx context.Context) ([]string, *input.Images, error) {
	found, err := input.Find(ctx, s.Input, nil)
	if err != nil {
		return nil, nil, err
	}
	if len(found.Samples) == 0 {
		return nil, nil, fmt.Errorf("%s: there is no %s", s.Input, input.SampleName)
	}
	table, err := input.ReadTableFile(found.Samples[0])
	if err != nil {
		return nil, nil, err
	}
	images, err := found.Images(ctx, table.IDs())
	return table.IDs(), images, err
}

// warn tells of what is odd but no mistake.
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
