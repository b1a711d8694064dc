package deploy

import (
	"context"
	"encoding/csv"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

const (
	checkImages = 2 // verify runs the kernel on so many images
	sizedImages = 9 // the sizes of so many images show whether crops see too little
)

// writeCheckImages fills dir with two images and a sample submission that names
// them: the first ones of the user's sample, or drawn ones. The copies have names of
// their own, because an id may contain folders and two ids may share a file name.
func writeCheckImages(ctx context.Context, o Options, p *ensemble.Plan, tests *testSet, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "test"), 0o755); err != nil {
		return err
	}
	ids := []string{"0000000000000001", "1165e02531758026"}
	if tests.hasImages() {
		paths, err := firstImages(ctx, o, p, tests)
		if err != nil {
			return err
		}
		for i, path := range paths {
			if _, err := folder.Copy(path, filepath.Join(dir, "test", ids[i]+filepath.Ext(path))); err != nil {
				return err
			}
		}
		if len(paths) > 0 {
			return writeSample(filepath.Join(dir, input.SampleName), ids[:len(paths)])
		}
		o.warn("none of the images that %s names is there and can be read: the kernel is checked on drawn ones", tests.sample.Name)
	}
	for i, id := range ids {
		if err := writePNG(filepath.Join(dir, "test", id+".png"), pattern(i, p.Models[0].InputSize)); err != nil {
			return err
		}
	}
	return writeSample(filepath.Join(dir, input.SampleName), ids)
}

// firstImages returns the paths of the sample's first images that can be read. It
// warns of unreadable ones, and of crops that see too little of the images.
func firstImages(ctx context.Context, o Options, p *ensemble.Plan, tests *testSet) (paths []string, err error) {
	images, err := tests.locate(ctx)
	if err != nil {
		return nil, err
	}
	decoder := vision.Decoder{Formats: formats.All()}
	var sizes [][2]int
	for _, id := range tests.sample.IDs() {
		path, ok := images.Path(id)
		if !ok || slices.Contains(paths, path) {
			continue
		}
		img, err := decoder.DecodeFile(path)
		if img == nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			o.warn("the kernel would give this image the default labels: %v", err)
			continue
		}
		if len(paths) < checkImages {
			paths = append(paths, path)
		}
		if sizes = append(sizes, [2]int{img.W, img.H}); len(sizes) == sizedImages {
			break
		}
	}
	for _, text := range p.CropWarnings(sizes) {
		o.warn("%s", text)
	}
	return paths, nil
}

func writeSample(path string, ids []string) error {
	_, err := folder.WriteFile(path, func(out io.Writer) error {
		rows := [][]string{{"id", "attribute_ids"}}
		for _, id := range ids {
			rows = append(rows, []string{id, "0"})
		}
		return csv.NewWriter(out).WriteAll(rows)
	})
	return err
}

// pattern draws image i, somewhat larger than the network's input: waves of a
// different length in each color, in portrait or landscape.
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
	_, err := folder.WriteFile(path, func(out io.Writer) error { return png.Encode(out, img) })
	return err
}
