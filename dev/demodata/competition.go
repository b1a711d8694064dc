package demodata

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
)

// Competition is a kind of competition, with data that WriteCompetition can make.
type Competition struct {
	// Name is the name of its folder in examples.
	Name string
	// header and row write the training table; sample is the header of the sample
	// submission, and constant the fields after the id in each of its rows.
	header, sample, constant string
	row                      func(classes []int) string
	// id returns the id of image i of a stream. It may carry the ending of the file.
	id   func(stream string, i int) string
	draw func(stream string, i int) (image.Image, []int)
}

// Competitions lists the kinds: one class for each image, a column of probabilities for
// each class, and grades.
func Competitions() []Competition {
	columns := slices.Clone(Classes)
	slices.Reverse(columns) // another order than that of the classes
	return []Competition{
		{
			Name: "classes", header: "image_id,label", sample: "image_id,label", constant: colors[0],
			row:  func(classes []int) string { return colors[classes[0]] },
			id:   func(stream string, i int) string { return fmt.Sprintf("%d%09d.jpg", len(stream), i*7919+100) },
			draw: colored,
		},
		{
			Name: "probabilities", header: "row_id,labels", sample: "row_id," + strings.Join(columns, ","),
			constant: strings.TrimSuffix(strings.Repeat("0.1,", len(columns)), ","),
			row:      nameList,
			id:       func(stream string, i int) string { return fmt.Sprintf("%s_%04d_%d", stream, i*7919%10000, i) },
			draw:     func(stream string, i int) (image.Image, []int) { return uneven(stream, i, i) },
		},
		{
			Name: "grades", header: "id_code,diagnosis", sample: "id_code,diagnosis", constant: "0",
			row:  numbers,
			id:   func(stream string, i int) string { return fmt.Sprintf("%x%08x", len(stream), i*2654435761%0xffffffff) },
			draw: spotted,
		},
	}
}

// FindCompetition returns the kind with a name.
func FindCompetition(name string) (Competition, error) {
	var names []string
	for _, c := range Competitions() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Competition{}, fmt.Errorf("unknown competition %q; there are %s", name, strings.Join(names, ", "))
}

// visible is the number of rows of the sample submission that everyone sees.
const visible = 5

// Write makes the data of the competition in the folders data and hidden of dir. data is
// what Kaggle shows before the hidden run: train.csv, train/, an empty test/, and a short
// sample submission. hidden is what the hidden run sees: the whole sample submission and
// test/. It also has truth.csv, the answers in the form of train.csv.
func (c Competition) Write(dir string, o TrainOptions) error {
	data, hidden := filepath.Join(dir, "data"), filepath.Join(dir, "hidden")
	for _, d := range []string{filepath.Join(data, "train"), filepath.Join(data, "test"), filepath.Join(hidden, "test")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	put := func(folder, stream string, i int) (id, row string, err error) {
		img, classes := c.draw(stream, i)
		id = c.id(stream, i)
		name := strings.TrimSuffix(id, ".jpg") + ".jpg"
		return id, c.row(classes), os.WriteFile(filepath.Join(folder, name), encodeJPEG(img, jpegKinds[0]), 0o644)
	}
	train, truth, sample, short := c.header+"\n", c.header+"\n", c.sample+"\n", c.sample+"\n"
	for i := range o.Rows {
		id, row, err := put(filepath.Join(data, "train"), "train", i)
		if err != nil {
			return err
		}
		train += id + "," + row + "\n"
	}
	for i := range o.Test {
		id, row, err := put(filepath.Join(hidden, "test"), "test", i)
		if err != nil {
			return err
		}
		truth += id + "," + row + "\n"
		sample += id + "," + c.constant + "\n"
		if i < visible {
			short += id + "," + c.constant + "\n"
		}
	}
	for path, text := range map[string]string{
		filepath.Join(data, "train.csv"): train, filepath.Join(data, "sample_submission.csv"): short,
		filepath.Join(hidden, "truth.csv"): truth, filepath.Join(hidden, "sample_submission.csv"): sample,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// nameList returns the names of classes, separated by spaces.
func nameList(classes []int) string {
	var names []string
	for _, c := range classes {
		names = append(names, Classes[c])
	}
	return strings.Join(names, " ")
}

// colors lists the classes of colored images.
var colors = []string{"red", "green", "blue", "striped"}

// colored returns an image and its class, a number of colors.
func colored(stream string, i int) (image.Image, []int) {
	img, classes := uneven(stream, i, i)
	if slices.Contains(classes, 8) {
		return img, []int{3}
	}
	return img, []int{classes[1] - 3}
}

// gradeShares holds the share of each grade among spotted images.
var gradeShares = []float64{0.35, 0.25, 0.18, 0.13, 0.09}

// spotted returns the image of a disk with spots, and its grade. The higher the grade,
// the more spots there are; neighboring grades can look alike.
func spotted(stream string, i int) (image.Image, []int) {
	u := func(what string, k int) float64 {
		return (golden.Uniform(fmt.Sprintf("demo.%s.%s%d", stream, what, i), k) + 1) / 2
	}
	grade, left := 0, u("grade", 0)
	for grade < len(gradeShares)-1 && left >= gradeShares[grade] {
		left -= gradeShares[grade]
		grade++
	}
	const side = 44
	type spot struct{ x, y, r float64 }
	spots := make([]spot, int(1.7*float64(grade)+3*u("spots", 0)))
	for k := range spots {
		spots[k] = spot{26 * (u("x", k) - 0.5), 26 * (u("y", k) - 0.5), 1.5 + 2*u("r", k)}
	}
	noise := fmt.Sprintf("demo.%s.noise%d", stream, i)
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-side/2, float64(y)-side/2
			c := [3]float64{20, 20, 20}
			if dx*dx+dy*dy < 20*20 {
				c = [3]float64{190, 110, 60}
			}
			for _, s := range spots {
				if (dx-s.x)*(dx-s.x)+(dy-s.y)*(dy-s.y) < s.r*s.r {
					c = [3]float64{235, 225, 150}
				}
			}
			n := golden.Uniform(noise, y*side+x) / 2
			img.SetNRGBA(x, y, color.NRGBA{level8(c[0], n), level8(c[1], n), level8(c[2], n), 255})
		}
	}
	return img, []int{grade}
}
