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
			return writeSample(dir, &p.Form, ids[:len(paths)])
		}
		o.warn("none of the images that %s names is there and can be read: the kernel is checked on drawn ones", tests.sample.Name)
	}
	for i, id := range ids {
		if err := writePNG(filepath.Join(dir, "test", id+".png"), pattern(i, p.Models[0].InputSize)); err != nil {
			return err
		}
	}
	return writeSample(dir, &p.Form, ids)
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

// writeSample writes a sample submission of the form f for some images, or the table of
// their ids if the form is undecided.
func writeSample(dir string, f *input.Form, ids []string) error {
	name, rows := "test.csv", [][]string{{"id"}}
	for _, id := range ids {
		rows = append(rows, []string{id})
	}
	if f.Decided() {
		name, rows = input.SampleName, sampleRows(f, ids)
	}
	_, err := folder.WriteFile(filepath.Join(dir, name), func(out io.Writer) error {
		return csv.NewWriter(out).WriteAll(rows)
	})
	return err
}

// sampleRows returns the header and the rows of a sample submission for some images.
func sampleRows(f *input.Form, ids []string) [][]string {
	answer := f.Example()
	classes := []int{0, 1}
	if f.Layout != input.RowPerClass && f.Layout != input.ClassColumn {
		classes = classes[:1]
	}
	rows := [][]string{f.Header}
	for _, id := range ids {
		for _, c := range classes {
			row := make([]string, len(f.Header))
			for i := range row {
				if !f.Copied(i) {
					row[i] = answer
				}
			}
			class := string(f.AppendClass(nil, c))
			switch row[f.ID] = id; f.Layout {
			case input.RowPerClass:
				row[f.ID] += f.Separator + class
			case input.ClassColumn:
				row[f.Class] = class
			}
			rows = append(rows, row)
		}
	}
	return rows
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
