package data_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/augment"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
)

// write makes a folder of n images and their table.
func write(t *testing.T, n int) (dir string, s data.Source) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "train"), 0o755); err != nil {
		t.Fatal(err)
	}
	table := "id,attribute_ids\n"
	for i := range n {
		m := image.NewNRGBA(image.Rect(0, 0, 12, 12))
		for y := range 12 {
			for x := range 12 {
				m.SetNRGBA(x, y, color.NRGBA{uint8(20 * x), uint8(20 * y), uint8(i), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "train", fmt.Sprintf("i%02d.png", i)), b.String())
		table += fmt.Sprintf("i%02d,%d %d\n", i, i%3, 3+i%2)
	}
	put(t, filepath.Join(dir, "train.csv"), table)
	return dir, data.Source{CSV: filepath.Join(dir, "train.csv"), Dirs: []string{filepath.Join(dir, "train")}, Labels: labeltable.Options{Classes: 6}}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMistakesAreFoundBeforeTheFirstStep(t *testing.T) {
	for name, c := range map[string]struct{ table, want string }{
		"empty table":   {"id,attribute_ids\n", "the table has no rows"},
		"duplicate":     {"id,attribute_ids\ni00,1\ni01,2\ni00,3\n", `train.csv:4: the id "i00" is there already, on line 2`},
		"range":         {"id,attribute_ids\ni00,1\ni01,6\n", "train.csv:3"},
		"missing image": {"id,attribute_ids\ni00,1\nnowhere,2\n", `there is no image of "nowhere" in`},
		"many":          {"id,attribute_ids\n" + strings.Repeat("i00,1\n", 9), "and 3 more ids that come twice"},
	} {
		dir, s := write(t, 3)
		put(t, filepath.Join(dir, "train.csv"), c.table)
		if _, err := data.Open(t.Context(), s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

func TestCheckImagesNamesBrokenAndDamagedFiles(t *testing.T) {
	dir, s := write(t, 4)
	set, err := data.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.CheckImages(t.Context(), 2, nil); err != nil {
		t.Fatal(err)
	}
	before, err := set.Digest()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "train", "i02.png"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "train", "i02.png"), string(whole[:len(whole)/2]))
	if damaged, err := set.CheckImages(t.Context(), 2, nil); err != nil || len(damaged) != 1 || !strings.Contains(damaged[0].Error(), "i02.png") {
		t.Errorf("damaged %v, error %v", damaged, err)
	}
	put(t, filepath.Join(dir, "train", "i02.png"), string(whole[:20]))
	seen := 0
	_, err = set.CheckImages(t.Context(), 2, func() { seen++ })
	if err == nil || !strings.Contains(err.Error(), "i02.png") || seen != 4 {
		t.Errorf("error %v after %d images", err, seen)
	}
	if after, err := set.Digest(); err != nil || after == before {
		t.Errorf("the digest is as before (%v)", err)
	}
}

func TestAbsentListsClassesWithoutRows(t *testing.T) {
	_, s := write(t, 4)
	set, err := data.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Absent([]int{0, 3}); !slices.Equal(got, []int{1, 2, 5}) {
		t.Errorf("absent are %v, want 1 2 5", got)
	}
}

func options(t *testing.T, workers int) data.Options {
	t.Helper()
	c, _, err := config.Parse("c.yml", []byte("model: {arch: x, num_classes: 6, input_size: 8}\n"+
		"augmentations: {hflip: true, affine: hard, noise: 0.5, blur: 0.5, color: 0.5, erase: {prob: 0.5}}"))
	if err != nil {
		t.Fatal(err)
	}
	return data.Options{
		Batch: 4, Pre: vision.Preprocess{Size: 8, Std: [3]float32{1, 1, 1}}, Augment: augment.New(c),
		MixupBeta: 0.4, Seed: 11, Workers: workers,
	}
}

// epoch returns the bytes of an epoch's batches, from batch from on.
func epoch(t *testing.T, l *data.Loader, n, from int) []string {
	t.Helper()
	s := l.Start(context.Background(), n, from)
	defer s.Close()
	var all []string
	for {
		b, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return all
		}
		all = append(all, fmt.Sprint(b.N, b.Rows, b.Images, b.Labels))
	}
}

func TestBatchesDependOnNeitherWorkersNorStart(t *testing.T) {
	_, s := write(t, 23)
	set, err := data.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var rows []int
	for i := range 22 {
		rows = append(rows, i)
	}
	one := epoch(t, data.NewLoader(set, rows, options(t, 1)), 3, 0)
	if len(one) != 5 {
		t.Fatalf("%d batches of 22 rows, want 5", len(one))
	}
	for _, workers := range []int{2, 5} {
		l := data.NewLoader(set, rows, options(t, workers))
		if !slices.Equal(one, epoch(t, l, 3, 0)) {
			t.Errorf("%d workers give other bytes", workers)
		}
		if !slices.Equal(one[2:], epoch(t, l, 3, 2)) {
			t.Errorf("%d workers give other bytes from batch 2 on", workers)
		}
		if other := epoch(t, l, 4, 0); slices.Equal(one, other) || other[0] == one[0] {
			t.Error("two epochs are the same")
		}
	}
}

func TestWithoutAugmentationRowsComeOnceInOrder(t *testing.T) {
	_, s := write(t, 11)
	set, err := data.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, 3)
	o.Augment, o.MixupBeta = nil, 0
	l := data.NewLoader(set, []int{1, 4, 5, 7, 8, 10}, o)
	stream := l.Start(t.Context(), 0, 0)
	defer stream.Close()
	var rows []int
	for {
		b, err := stream.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			break
		}
		rows = append(rows, b.Rows...)
		for i, r := range b.Rows {
			var labels []int
			for c, v := range b.Labels[6*i : 6*i+6] {
				if v == 1 {
					labels = append(labels, c)
				}
			}
			if !slices.Equal(labels, set.Labels[r]) {
				t.Errorf("row %d has the labels %v, want %v", r, labels, set.Labels[r])
			}
		}
	}
	if !slices.Equal(rows, l.Rows()) || l.Batches() != 2 {
		t.Errorf("rows %v in %d batches", rows, l.Batches())
	}
}

func TestFewerRowsThanABatchRepeat(t *testing.T) {
	_, s := write(t, 3)
	set, err := data.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	l := data.NewLoader(set, []int{0, 1, 2}, options(t, 2))
	if got := epoch(t, l, 0, 0); len(got) != 1 || !strings.HasPrefix(got[0], "4 ") {
		t.Errorf("%d batches", len(got))
	}
}

func TestAStreamEndsWithItsContextAndNamesMissingImages(t *testing.T) {
	dir, s := write(t, 8)
	set, err := data.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stream := data.NewLoader(set, []int{0, 1, 2, 3, 4, 5, 6, 7}, options(t, 2)).Start(ctx, 0, 0)
	cancel()
	for {
		b, err := stream.Next()
		if err != nil {
			break
		}
		if b == nil {
			t.Error("the stream ended without an error")
			break
		}
	}
	stream.Close()
	if err := os.Remove(filepath.Join(dir, "train", "i03.png")); err != nil {
		t.Fatal(err)
	}
	o := options(t, 2)
	o.Augment = nil
	stream = data.NewLoader(set, []int{3}, o).Start(t.Context(), 0, 0)
	defer stream.Close()
	if _, err := stream.Next(); err == nil || !strings.Contains(err.Error(), "i03.png") {
		t.Errorf("error %v", err)
	}
}
