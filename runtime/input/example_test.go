package input_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// The example finds the sample submission under an input root, and the image of its
// first row.
func Example() {
	root := mountedCompetition()
	defer os.RemoveAll(root)
	ctx := context.Background()
	found, err := input.Find(ctx, root, input.Wanted{Endings: vision.Endings()})
	if err != nil {
		fmt.Println(err)
		return
	}
	sample, err := input.ReadTableFile(found.Samples[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	images, err := found.Items(ctx, sample.IDs())
	path, ok := images.Path(sample.Rows[0].ID)
	fmt.Println(sample.IDs(), filepath.Base(path), ok, err)
	// Output: [1000 1001] 1000.png true <nil>
}

// mountedCompetition returns a new folder with a sample submission and two images.
func mountedCompetition() string {
	root, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	files := map[string]string{
		"cats/sample_submission.csv": "id,attribute_ids\n1000,0\n1001,0\n",
		"cats/test/1000.png":         "",
		"cats/test/1001.png":         "",
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			panic(err)
		}
	}
	return root
}
