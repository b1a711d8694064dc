package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// weightsDepth is the number of folder levels that are searched for weights, as in infer
// and deploy-kernel.
const weightsDepth = 4

// asides are the folders of a training that hold other weights than the best. They
// are searched only if the user names them.
var asides = []string{"last", "swa", "smoke"}

// allWeights lists the files of weights in folders and in those below them. Of
// files with the same name it takes the one in the earlier folder, and in that the
// one nearer to its top.
func allWeights(folders []string) ([]string, error) {
	var files []string
	seen := map[string]bool{}
	for _, folder := range folders {
		level := []string{folder}
		for range weightsDepth + 1 {
			var next []string
			for _, dir := range level {
				entries, err := os.ReadDir(dir)
				if err != nil && dir == folder {
					return nil, err
				}
				for _, e := range entries {
					path, name := filepath.Join(dir, e.Name()), e.Name()
					switch {
					case isDir(path):
						if !strings.HasPrefix(name, ".") && !slices.Contains(asides, name) {
							next = append(next, path)
						}
					case weightfile.Named(name) && !strings.HasPrefix(name, "checkpoint.") && !seen[name]:
						seen[name] = true
						files = append(files, path)
					}
				}
			}
			level = next
		}
	}
	if len(files) == 0 {
		return nil, hint.New(fmt.Errorf("%s: there are no files of weights", strings.Join(folders, ", ")), "weights are %s", strings.Join(weightfile.Extensions[:], ", "))
	}
	return files, nil
}

// configOf returns the config of weights: the text inside the file, which a kernel
// uses too, else the file of --config, else the file beside the weights.
func (j *prediction) configOf(path string, meta map[string]string) (*config.Config, error) {
	text, name := meta["config"], "the config in it"
	if text == "" {
		beside, ok := modelspec.Beside(path)
		if j.flags.config.path != "" || !ok {
			return j.config, nil
		}
		data, err := textfile.Read(beside, "a config")
		if err != nil {
			return nil, err
		}
		text, name = string(data), beside
	}
	c, _, err := config.Parse(name, []byte(text))
	return c, err
}
