package demodata

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
)

// TrainOptions say what WriteTrain makes.
type TrainOptions struct {
	Rows int // images with labels
	Test int // images to predict
}

// Config is a training config.
type Config struct {
	Name, Text string
}

// TrainFiles are the paths of a training set.
type TrainFiles struct {
	Data    string // folder of train/, train.csv, test/, sample_submission.csv and labels.csv, the truth of the test set
	Configs []string
}

// Faults of the rows of a training set.
const (
	missing = 0.15 // share of missing labels
	copies  = 4    // the last of so many rows is a near-copy of the row before
)

// WriteTrain makes a training set in the existing folder dir, with a test set of the same
// distribution and the configs of two small networks.
//
// The set has the faults of real ones. Labels are missing, and some rows are near-copies
// of others, with ids that are equal up to a dash. The most frequent class has ten times
// the rows of the rarest. Most images are JPEGs of several kinds, the others PNGs. The
// endings have several spellings.
func WriteTrain(dir string, o TrainOptions) (TrainFiles, error) {
	f := TrainFiles{Data: filepath.Join(dir, "data")}
	for _, d := range []string{"data/train", "data/test", "configs"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(d)), 0o755); err != nil {
			return f, err
		}
	}
	files := map[string]string{
		"data/train.csv": "id,attribute_ids\n", "data/labels.csv": "id,attribute_ids\n", "data/sample_submission.csv": "id,attribute_ids\n",
	}
	put := func(folder, id string, i int, img image.Image) error {
		data, ext, err := encode(img, i)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(f.Data, folder, id+ext), data, 0o644)
	}
	for i := range o.Rows {
		original, copied := i, i%copies == copies-1
		if copied {
			original--
		}
		img, classes := uneven("train", original, i)
		id := fmt.Sprintf("%04x-%d", original*7919%65536, i-original)
		if err := put("train", id, i, img); err != nil {
			return f, err
		}
		files["data/train.csv"] += id + "," + numbers(forget(classes, i)) + "\n"
	}
	for i := range o.Test {
		img, classes := uneven("test", i, i)
		id := fmt.Sprintf("%04xtest%04x", i*7919%65536, i)
		if err := put("test", id, i, img); err != nil {
			return f, err
		}
		files["data/labels.csv"] += id + "," + numbers(classes) + "\n"
		files["data/sample_submission.csv"] += id + ",0\n"
	}
	for _, c := range trainConfigs {
		name := "configs/" + c.Name + ".yml"
		files[name] = c.Text
		f.Configs = append(f.Configs, filepath.Join(dir, filepath.FromSlash(name)))
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			return f, err
		}
	}
	return f, nil
}

// jpegKinds lists the kinds of JPEG in the set.
var jpegKinds = []jpegKind{
	{quality: 90, h: 2, v: 2},
	{quality: 95, h: 2, v: 1, progressive: true},
	{quality: 85, h: 1, v: 1, restart: 3},
}

// encode returns image i as a file, and the file's ending. It is a PNG or a JPEG,
// depending on i.
func encode(img image.Image, i int) (data []byte, ext string, err error) {
	if k := i % (len(jpegKinds) + 1); k > 0 {
		return encodeJPEG(img, jpegKinds[k-1]), [...]string{".jpg", ".jpeg", ".JPG"}[k-1], nil
	}
	var b bytes.Buffer
	err = png.Encode(&b, img)
	return b.Bytes(), ".png", err
}

// trainConfigs lists the configs of the demo.
var trainConfigs = []Config{
	{"small_a", trainConfig("cifar_resnet20", 32, 0, "binary_cross_entropy", "hflip: true")},
	{"small_b", trainConfig("cifar_resnet20", 40, 0.1, "forgiving_loss", "hflip: true\n    vflip: true\n    noise: 0.3")},
}

func trainConfig(arch string, size int, dropout float64, loss, augmentations string) string {
	return fmt.Sprintf(`model:
    arch: '%s'
    input_size: %d
    num_classes: %d
    num_folds: 3
    dropout: %g

train:
    csv: 'train.csv'
    folds_file: 'folds.npy'
    batch_size: 16
    num_epochs: 6

test:
    csv: 'sample_submission.csv'
    num_ttas: 2

optimizer:
    name: 'adam'
    params:
        lr: 3e-3

scheduler:
    name: 'multi_step'
    params:
        milestones: [4, 5]
        gamma: 0.2

loss:
    name: '%s'

augmentations:
    %s
`, arch, size, len(Classes), dropout, loss, augmentations)
}

func numbers(classes []int) string { return strings.Trim(fmt.Sprint(classes), "[]") }

// forget drops some of the labels of row i.
func forget(classes []int, i int) []int {
	var kept []int
	for k, c := range classes {
		if (golden.Uniform("demo.forget", 8*i+k)+1)/2 >= missing {
			kept = append(kept, c)
		}
	}
	return kept
}

// uneven returns the image of a row, 40 to 47 pixels wide and high, and its classes,
// whose frequencies differ. Rows of the same original differ in noise and brightness.
func uneven(stream string, original, row int) (image.Image, []int) {
	u := func(what string) float64 { return (golden.Uniform("demo."+stream+"."+what, original) + 1) / 2 }
	w, h := 40+int(8*u("w")), 40+int(8*u("h"))
	shape, hue := pick(u("shape"), 0.6, 0.3), pick(u("hue"), 0.5, 0.35)
	classes := []int{shape, 3 + hue}
	radius := 7.0
	if u("size") < 0.4 {
		radius, classes = 14, append(classes, 6)
	} else {
		classes = append(classes, 7)
	}
	striped, dark := u("stripes") < 0.12, u("dark") < 0.06
	if striped {
		classes = append(classes, 8)
	}
	if dark {
		classes = append(classes, 9)
	}
	x0, y0 := float64(w)/2+6*(u("x")-0.5), float64(h)/2+6*(u("y")-0.5)
	level := 200.0
	if dark {
		level = 40
	}
	level += 20 * golden.Uniform("demo."+stream+".level", row)
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	noise := fmt.Sprintf("demo.%s.noise%d", stream, row)
	for y := range h {
		for x := range w {
			c := [3]float64{level, level, level}
			if inside(shape, (float64(x)-x0)/radius, (float64(y)-y0)/radius) && !(striped && (x+y)/4%2 == 0) {
				c = [3]float64{60, 60, 60}
				c[hue] = 210
			}
			n := 2.5 * golden.Uniform(noise, y*w+x)
			img.SetNRGBA(x, y, color.NRGBA{level8(c[0], n), level8(c[1], n), level8(c[2], n), 255})
		}
	}
	return img, classes
}

// pick maps u in [0, 1) to 0, 1 or 2. zero and one are the shares of 0 and 1.
func pick(u, zero, one float64) int {
	switch {
	case u < zero:
		return 0
	case u < zero+one:
		return 1
	}
	return 2
}
