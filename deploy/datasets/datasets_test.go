package datasets_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/datasets"
	"pgregory.net/rapid"
)

func Example() {
	files := []datasets.File{{"a.enc", 60}, {"b.enc", 50}, {"c.enc", 30}}
	boxes, err := datasets.Split(files, nil, datasets.Limits{Bytes: 100})
	fmt.Println(boxes, err)
	// Output: [[{a.enc 60} {c.enc 30}] [{b.enc 50}]] <nil>
}

func names(boxes [][]datasets.File) [][]string {
	all := make([][]string, len(boxes))
	for i, b := range boxes {
		for _, f := range b {
			all[i] = append(all[i], f.Name)
		}
	}
	return all
}

func genFiles(t *rapid.T, label string) []datasets.File {
	sizes := rapid.MapOf(rapid.StringMatching(`[a-z]{1,3}\.enc`), rapid.Int64Range(0, 100)).Draw(t, label)
	var files []datasets.File
	for name, size := range sizes {
		files = append(files, datasets.File{Name: name, Size: size})
	}
	return files
}

func TestEveryFileIsInOneDatasetWithinTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := genFiles(t, "files")
		l := datasets.Limits{Files: rapid.IntRange(0, 5).Draw(t, "n"), Bytes: rapid.SampledFrom([]int64{0, 100, 250}).Draw(t, "bytes")}
		previous, err := datasets.Split(genFiles(t, "before"), nil, l)
		if err != nil {
			t.Fatal(err)
		}
		boxes, err := datasets.Split(files, names(previous), l)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for _, b := range boxes {
			total := int64(0)
			for _, f := range b {
				seen[f.Name]++
				total += f.Size
			}
			if l.Files > 0 && len(b) > l.Files || l.Bytes > 0 && total > l.Bytes {
				t.Fatalf("%d files of %d bytes are over %+v", len(b), total, l)
			}
		}
		for _, f := range files {
			if seen[f.Name] != 1 {
				t.Fatalf("%s is in %d datasets", f.Name, seen[f.Name])
			}
		}
	})
}

func TestAddingAFileMovesNoOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := genFiles(t, "files")
		l := datasets.Limits{Files: 3, Bytes: 150}
		before, err := datasets.Split(files, nil, l)
		if err != nil {
			t.Fatal(err)
		}
		after, err := datasets.Split(append(files, datasets.File{Name: "new.enc", Size: 70}), names(before), l)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range before {
			for _, f := range b {
				if !slices.Contains(after[i], f) {
					t.Fatalf("%s left dataset %d", f.Name, i)
				}
			}
		}
	})
}

func TestAFileLargerThanADatasetIsRefused(t *testing.T) {
	if _, err := datasets.Split([]datasets.File{{"a.enc", 101}}, nil, datasets.Limits{Bytes: 100}); err == nil {
		t.Error("a file of 101 bytes was put into a dataset of 100")
	}
}
