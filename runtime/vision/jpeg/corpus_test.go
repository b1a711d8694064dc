package jpeg_test

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
)

// corpus returns the files of testdata/corpus.zip by name.
func corpus(tb testing.TB) map[string][]byte {
	tb.Helper()
	archive, err := zip.OpenReader("testdata/corpus.zip")
	if err != nil {
		tb.Fatal(err)
	}
	defer archive.Close()
	files := make(map[string][]byte)
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		r.Close()
		files[f.Name] = data
	}
	return files
}

// golden is the size and the SHA-256 of an image's pixels in Pillow.
type golden struct {
	w, h int
	sum  string
}

func goldens(tb testing.TB) map[string]golden {
	tb.Helper()
	f, err := os.Open("testdata/corpus.tsv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	want := make(map[string]golden)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var name string
		var g golden
		if _, err := fmt.Sscan(lines.Text(), &name, &g.w, &g.h, &g.sum); err != nil {
			tb.Fatal(err)
		}
		want[name] = g
	}
	return want
}

func TestPixelsEqualPillow(t *testing.T) {
	t.Parallel()
	files, want := corpus(t), goldens(t)
	if len(files) != len(want) || len(files) < 500 {
		t.Fatalf("%d files, %d goldens", len(files), len(want))
	}
	differ := 0
	for name, data := range files {
		img, err := jpeg.Format.Decode(data, vision.DropAlpha)
		var damage *vision.DamageError
		isDamaged := errors.As(err, &damage)
		if err != nil && !isDamaged {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kind, _, _ := strings.Cut(name, "-")
		switch {
		case isDamaged && !slices.Contains([]string{"truncated", "corrupt", "factors", "doubled"}, kind):
			t.Errorf("%s: %v, though it is whole", name, err)
		case !isDamaged && kind == "truncated":
			t.Errorf("%s: the damage is not reported", name)
		}
		sum := sha256.Sum256(img.Pix)
		if got := (golden{img.W, img.H, hex.EncodeToString(sum[:])}); got != want[name] {
			t.Errorf("%s: got %v, want %v", name, got, want[name])
			differ++
		}
	}
	t.Logf("%d files, %d with differing bytes", len(files), differ)
}

// A file cut anywhere is refused or decoded to an image of the full size.
func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	files := corpus(t)
	for _, name := range []string{"size-2x2-17x33.jpg", "script-3.jpg", "restart-2.jpg", "cmyk-1.jpg"} {
		data := files[name]
		whole, err := jpeg.Format.Decode(data, vision.DropAlpha)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range data {
			img, err := jpeg.Format.Decode(data[:n], vision.DropAlpha)
			var damage *vision.DamageError
			switch {
			case errors.As(err, &damage):
				if img == nil || img.W != whole.W || img.H != whole.H || len(img.Pix) != len(whole.Pix) {
					t.Errorf("%s cut to %d bytes: a damaged image of another size", name, n)
				}
			case err != nil && img != nil:
				t.Errorf("%s cut to %d bytes: an image and the error %v", name, n, err)
			case err == nil && string(img.Pix) != string(whole.Pix):
				t.Errorf("%s cut to %d bytes: other pixels and no error", name, n)
			}
		}
	}
}
