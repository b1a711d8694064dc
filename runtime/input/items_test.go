package input_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

func TestAnIdIsTheNameOfAFile(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  map[string]string // of an id, or "" for none
	}{
		{"any ending in any spelling", []string{"t/a.JPG", "t/b.jpeg", "t/c.png.gif", "t/d.WebP", "t/e.tIFF", "t/notes.md"}, map[string]string{
			"a": "t/a.JPG", "b": "t/b.jpeg", "c.png": "t/c.png.gif", "d": "t/d.WebP", "e": "t/e.tIFF", "f": "",
		}},
		{"ids with endings", []string{"t/a.png", "t/b.JPG", "t/c.png", "t/d.jpg", "t/d.png"}, map[string]string{
			"a.png": "t/a.png", "b.jpg": "t/b.JPG", "c.jpg": "t/c.png", "d.jpg": "t/d.jpg", "d.png": "t/d.png", "d.gif": "t/d.png", "a": "t/a.png",
		}},
		{"PNG before JPEG, small letters before capitals", []string{"t/a.JPG", "t/a.jpg", "t/b.jpg", "t/b.PNG"}, map[string]string{
			"a": "t/a.jpg", "b": "t/b.PNG",
		}},
		{"names that differ in capitals are different ids", []string{"t/Ab.png", "t/aB.png"}, map[string]string{
			"Ab": "t/Ab.png", "aB": "t/aB.png", "ab": "",
		}},
		{"ids with folders", []string{"c/test/x/1.png", "c/test/y/1.jpg", "c/train/x/1.png", "c/2.png"}, map[string]string{
			"x/1": "c/test/x/1.png", "y/1": "c/test/y/1.jpg", "test/y/1.jpg": "c/test/y/1.jpg", "train/x/1": "c/train/x/1.png",
			`test\x\1.png`: "c/test/x/1.png", "./x/1": "c/test/x/1.png", "/test/x/1": "c/test/x/1.png", "z/1": "", "est/y/1": "",
		}},
		{"nested folders", []string{"t/0/a/0a1.jpg", "t/0/b/0b1.png", "t/f/f/ff1.JPEG"}, map[string]string{
			"0a1": "t/0/a/0a1.jpg", "0b1": "t/0/b/0b1.png", "ff1": "t/f/f/ff1.JPEG",
		}},
		{"a file without ending, and one that no decoder reads", []string{"t/a", "t/b.heic", "t/c.heic", "t/c.jpg", "t/d.txt", "u/d.png"}, map[string]string{
			"a": "t/a", "b": "t/b.heic", "c": "t/c.jpg", "d": "u/d.png",
		}},
		{"never a way out", []string{"t/a.png", "d.png"}, map[string]string{
			"": "", "..": "", ".": "", "../d": "", "t/../d": "", "t//a": "", "/": "", "a\x00": "",
		}},
		{"the test set before the training set", []string{"a_train/1.png", "a_train/2.png", "my_test/1.png", "my_test/2.png", "latest/1.png"}, map[string]string{
			"1": "my_test/1.png", "2": "my_test/2.png",
		}},
		{"the folder with most of the ids", []string{"a/1.png", "b/1.png", "b/2.png", "b/3.png"}, map[string]string{
			"1": "b/1.png", "2": "b/2.png", "3": "b/3.png",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, c.files...)
			var ids []string
			for id := range c.want {
				ids = append(ids, id)
			}
			under, err := input.ItemsUnder(t.Context(), root, vision.Endings(), ids)
			must(t, err)
			for _, images := range []*input.Items{locate(t, find(t, root), ids...), under} {
				for id, want := range c.want {
					got, ok := images.Path(id)
					if want != "" {
						want = filepath.Join(root, want)
					}
					if got != want || ok != (want != "") {
						t.Errorf("%q is %q, want %q", id, got, want)
					}
					if _, info, ok := images.Stat(id); ok != (want != "") || ok && info.Size() == 0 {
						t.Errorf("%q: a stat says %v", id, ok)
					}
				}
			}
		})
	}
}

// There are many folders, and more endings than the first files of a folder show.
func TestImagesAreFoundHoweverManyThereAre(t *testing.T) {
	var files, ids []string
	for i := range 700 {
		files = append(files, fmt.Sprintf("train/%02x/%04d.png", i%64, i), fmt.Sprintf("deep/%d/%04d.jpg", i, 1000+i))
		ids = append(ids, fmt.Sprint(1000+i))
	}
	for i := range 1200 {
		files = append(files, fmt.Sprintf("flat/%05d.png", i))
	}
	files = append(files, "flat/zz.PnG", "flat/sub/yy.png")
	images := locate(t, find(t, tree(t, files...)), append(ids, "zz", "yy")...)
	if images.Len() != len(ids)+2 {
		t.Errorf("found %d of %d images", images.Len(), len(ids)+2)
	}
}

func TestImagesUnderAFolder(t *testing.T) {
	root := tree(t, "test/1.png", "file")
	images, err := input.ItemsUnder(t.Context(), filepath.Join(root, "test"), vision.Endings(), []string{"1", "test/1.png", "2"})
	must(t, err)
	if images.Len() != 2 {
		t.Errorf("found %d images", images.Len())
	}
	for _, name := range []string{"none", "file"} {
		if _, err := input.ItemsUnder(t.Context(), filepath.Join(root, name), vision.Endings(), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := input.ItemsUnder(ended, root, vision.Endings(), []string{"1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestNoImagesAtAll(t *testing.T) {
	images := locate(t, find(t, tree(t, "empty/", "sample_submission.csv")), "a")
	if got, ok := images.Path("a"); ok || images.Len() > 0 {
		t.Errorf("found %q", got)
	}
}

func TestItemsNeedNotBeImages(t *testing.T) {
	sounds := input.Endings{Decoded: []string{".ogg", ".wav"}, Known: []string{".mp3"}}
	files := []string{"test/a.WAV", "test/a.png", "test/b.png", "test/c.wav", "test/c.ogg", "sample_submission.csv"}
	for i := range 600 {
		files = append(files, fmt.Sprintf("test/%05d.mp3", i)) // a folder of items
	}
	root := tree(t, files...)
	f, err := input.Find(t.Context(), root, input.Wanted{Endings: sounds})
	must(t, err)
	items := locate(t, f, "a", "c", "c.wav")
	for id, want := range map[string]string{"a": "test/a.WAV", "c": "test/c.ogg", "c.wav": "test/c.wav"} {
		if got, ok := items.Path(id); !ok || got != filepath.Join(root, want) {
			t.Errorf("%s: found %q", id, got)
		}
	}
}
