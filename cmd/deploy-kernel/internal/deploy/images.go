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
)

// checkImages is on how many images a kernel is tried.
const checkImages = 2

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
	ids, paths, err := firstImages(ctx, s.Input)
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

// firstImages returns the first images that the sample submission under root
// names and that are there.
func firstImages(ctx context.Context, root string) (ids, paths []string, err error) {
	found, err := input.Find(ctx, root, nil)
	if err != nil {
		return nil, nil, err
	}
	if len(found.Samples) == 0 {
		return nil, nil, fmt.Errorf("%s: there is no %s", root, input.SampleName)
	}
	table, err := input.ReadTableFile(found.Samples[0])
	if err != nil {
		return nil, nil, err
	}
	images := found.Images(table.IDs())
	for _, id := range table.IDs() {
		if path, ok := images.Path(id); ok {
			ids, paths = append(ids, id), append(paths, path)
		}
		if len(ids) == checkImages {
			return ids, paths, nil
		}
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%s: no image of those that %s names", root, found.Samples[0])
	}
	return ids, paths, nil
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
