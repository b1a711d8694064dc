package demodata

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
)

// odd lists ids that tools may take for numbers.
var odd = []string{"1165e02531758026", "0000000000000123", "9007199254740993"}

// writeImages draws n images, and writes them with a sample submission and the true
// labels.
func writeImages(dir string, n int) error {
	sample, labels := "id,attribute_ids\n", "id,attribute_ids\n"
	for i := range n {
		id := fmt.Sprintf("%04xshape%04x", i*7919%65536, i)
		if i < len(odd) {
			id = odd[i]
		}
		img, classes := drawing(i)
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "test", id+".png"), b.Bytes(), 0o644); err != nil {
			return err
		}
		sample += id + ",0 1 2\n"
		labels += id + "," + strings.Trim(fmt.Sprint(classes), "[]") + "\n"
	}
	for name, text := range map[string]string{"sample_submission.csv": sample, "labels.csv": labels} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// drawing returns image i and its classes. Every fourth image has another color model,
// as in a folder of real images.
func drawing(i int) (image.Image, []int) {
	u := func(what string) float64 { return (golden.Uniform("demo."+what, i) + 1) / 2 }
	w, h := 40+int(40*u("w")), 40+int(40*u("h"))
	shape, hue := int(3*u("shape")), int(3*u("hue"))
	classes := []int{shape, 3 + hue}
	radius := 0.25 * float64(min(w, h))
	if u("size") > 0.5 {
		radius, classes = radius*1.7, append(classes, 6)
	} else {
		classes = append(classes, 7)
	}
	striped, dark := u("stripes") > 0.7, u("dark") > 0.6
	if striped {
		classes = append(classes, 8)
	}
	if dark {
		classes = append(classes, 9)
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			noise := golden.Uniform(fmt.Sprintf("demo.noise%d", i), y*w+x)
			level := 200.0
			if dark {
				level = 40
			}
			c := [3]float64{level, level, level}
			dx, dy := float64(x)-float64(w)/2, float64(y)-float64(h)/2
			if inside(shape, dx/radius, dy/radius) && !(striped && (x+y)/4%2 == 0) {
				c = [3]float64{30, 30, 30}
				c[hue] = 230
			}
			img.SetNRGBA(x, y, color.NRGBA{level8(c[0], noise), level8(c[1], noise), level8(c[2], noise), 255})
		}
	}
	return recolor(img, i), classes
}

func level8(v, noise float64) uint8 { return uint8(max(0, min(255, v+20*noise))) }

// inside reports whether a point, in radii from the center, is in the shape.
func inside(shape int, x, y float64) bool {
	switch shape {
	case 0:
		return x*x+y*y < 1
	case 1:
		return max(x, -x) < 0.9 && max(y, -y) < 0.9
	default:
		return y < 0.8 && y > 2*max(x, -x)-1
	}
}

// recolor returns img in the color model of image i.
func recolor(img *image.NRGBA, i int) image.Image {
	b := img.Bounds()
	switch i % 8 {
	case 3:
		p := image.NewPaletted(b, palette.WebSafe)
		draw.Draw(p, b, img, image.Point{}, draw.Src)
		return p
	case 7:
		g := image.NewGray(b)
		draw.Draw(g, b, img, image.Point{}, draw.Src)
		return g
	default:
		return img
	}
}
