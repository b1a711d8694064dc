package input_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// tree creates files and returns their root. A name that ends in a slash is a folder,
// and "a -> b" is a link.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		name, target, link := strings.Cut(name, " -> ")
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		switch {
		case link:
			must(t, os.Symlink(target, path))
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(path, 0o755))
		default:
			must(t, os.WriteFile(path, []byte(name), 0o644))
		}
	}
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, root string, models ...string) *input.Found {
	t.Helper()
	f, err := input.Find(context.Background(), root, input.Wanted{Weights: models, Endings: vision.Endings()})
	must(t, err)
	return f
}

func locate(t *testing.T, f *input.Found, ids ...string) *input.Items {
	t.Helper()
	images, err := f.Items(t.Context(), ids)
	must(t, err)
	return images
}

// within strips the root from paths.
func within(root string, paths []string) []string {
	var rel []string
	for _, p := range paths {
		rel = append(rel, strings.TrimPrefix(p, root+string(filepath.Separator)))
	}
	return rel
}

func weights(f *input.Found) []string {
	var paths []string
	for _, w := range f.Weights {
		paths = append(paths, w.Path)
	}
	return within(f.Root, paths)
}

func TestEveryMountLayoutIsFound(t *testing.T) {
	for _, layout := range []struct{ competition, dataset string }{
		{"imet-2019", "weights-0"},
		{"competitions/imet-2019", "datasets/owner/weights-0"},
		{".", "."},
		{"a/b/c d/imet", "weights/pytorch/default/1"},
	} {
		root := tree(t,
			layout.competition+"/sample_submission.csv",
			layout.competition+"/test/1165e02531758026.png",
			layout.competition+"/test/0000000000000123.png",
			layout.competition+"/train/aaaa.png",
			layout.dataset+"/m_f0_e1_0.5.safetensors.enc",
			layout.dataset+"/m_f1_e1_0.5.safetensors",
			layout.dataset+"/deploy.key",
		)
		f := find(t, root)
		if len(f.Samples) != 1 || len(f.Weights) != 2 || len(f.Keys) != 1 || len(f.Warnings) != 0 {
			t.Errorf("%v: found %+v", layout, f)
		}
		images := locate(t, f, "1165e02531758026", "0000000000000123")
		for _, id := range []string{"1165e02531758026", "0000000000000123"} {
			want := filepath.Join(root, layout.competition, "test", id+".png")
			if got, ok := images.Path(id); !ok || got != want {
				t.Errorf("%v: %s is %q, want %q", layout, id, got, want)
			}
		}
		if _, ok := images.Path("nowhere"); ok {
			t.Errorf("%v: an id without image has one", layout)
		}
	}
}

func TestLinksAreFollowedAndEveryRealFolderIsVisitedOnce(t *testing.T) {
	root := tree(t,
		"real/m.safetensors",
		"link -> real",
		"real/loop -> ..",
		"dangling.safetensors -> nowhere",
		"file.safetensors -> real/m.safetensors",
		"to-a-fifo -> /dev/null",
	)
	f := find(t, root)
	// "link" points to "real"; links are visited after folders.
	if got, want := weights(f), []string{"file.safetensors", "real/m.safetensors"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "dangling.safetensors") {
		t.Errorf("warnings %q", f.Warnings)
	}
}

func TestDuplicatesComeFromTheTopDown(t *testing.T) {
	root := tree(t, "z/m.safetensors", "b/c/m.safetensors.enc", "a/c/m.safetensors", "sub/sample_submission.csv", "sample_submission.csv")
	f := find(t, root)
	if got, want := weights(f), []string{"z/m.safetensors", "a/c/m.safetensors", "b/c/m.safetensors.enc"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if got, want := within(root, f.Samples), []string{"sample_submission.csv", "sub/sample_submission.csv"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestAFolderThatCannotBeReadIsAWarning(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	root := tree(t, "closed/m.safetensors", "open/m.safetensors")
	must(t, os.Chmod(filepath.Join(root, "closed"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "closed"), 0o755) })
	f := find(t, root)
	if len(f.Weights) != 1 || len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "closed") {
		t.Errorf("found %q, warnings %q", weights(f), f.Warnings)
	}
}

func TestTheRootMustBeAFolder(t *testing.T) {
	root := tree(t, "file")
	for _, path := range []string{filepath.Join(root, "file"), filepath.Join(root, "none")} {
		if _, err := input.Find(context.Background(), path, input.Wanted{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// Find does not read a huge folder of images to the end, but finds the files that it
// looks for in it and beside it.
func TestAHugeImageFolderIsNotReadToTheEnd(t *testing.T) {
	n := 3000
	if os.Getenv("DEPLOY_KERNEL_LONG") != "" {
		n = 100_000
	}
	root := t.TempDir()
	for i := range n {
		f, err := os.Create(filepath.Join(root, fmt.Sprintf("%016x.png", i)))
		must(t, err)
		f.Close()
	}
	for _, name := range []string{"m.safetensors.enc", "sample_submission.csv"} {
		must(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x", i)
	}
	start := time.Now()
	f := find(t, root, "m")
	images := locate(t, f, ids...)
	t.Logf("%d images: found in %v", n, time.Since(start))
	if len(f.Samples) != 1 || len(f.Weights) != 1 {
		t.Errorf("found %q, %q", f.Samples, weights(f))
	}
	if _, ok := images.Path(ids[n-1]); !ok {
		t.Error("the last image is missing")
	}
}

func TestSampleSubmissionsHaveManyNames(t *testing.T) {
	for _, name := range []string{
		"sample_submission.csv", "sampleSubmission.csv", "SampleSubmission.csv", "sample-submission.csv", "Sample Submission.CSV",
		"stage_1_sample_submission.csv", "sample_submission_v2.csv", "sample_submission_stage2.csv", "sample_sub.csv",
		"submission_format.csv", "example_submission.csv", "test.csv",
	} {
		if f := find(t, tree(t, name, "train.csv", "submission.csv", "samples.csv", "best_test.csv")); len(f.Samples) != 1 || filepath.Base(f.Samples[0]) != name {
			t.Errorf("%s: found %q", name, f.Samples)
		}
	}
}

func TestTheBestOfSeveralSamplesComesFirst(t *testing.T) {
	root := tree(t, "test.csv", "stage_1_sample_submission.csv", "stage_2_sample_submission.csv", "submission_format.csv", "deep/sample_submission.csv", "odd.csv")
	found, err := input.Find(t.Context(), root, input.Wanted{Samples: []string{"odd.csv"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"odd.csv", "deep/sample_submission.csv", "stage_2_sample_submission.csv", "stage_1_sample_submission.csv",
		"submission_format.csv", "test.csv",
	}
	if got := within(root, found.Samples); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
