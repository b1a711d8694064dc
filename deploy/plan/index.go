package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
)

// index finds files by name. Of two files with the same name, the one in the earlier
// folder counts, and within a folder the one nearer to its top.
type index struct {
	folders []string // all that are searched
	given   []string // Options.Weights
	paths   map[string]string
}

// maxDepth bounds the depth of the search below a folder of the user.
const maxDepth = 4

// index lists the folders. Subfolders of the ensemble file's folder are not searched:
// it may be a home folder.
func (b *builder) index(beside string) error {
	b.files = &index{given: b.options.Weights, paths: map[string]string{}}
	var errs []error
	for _, folders := range [][]string{b.options.OOF, b.options.Weights, b.options.Configs} {
		for _, f := range folders {
			errs = append(errs, b.files.add(f, maxDepth))
		}
	}
	errs = append(errs, b.files.add(beside, 0))
	return errors.Join(errs...)
}

func (x *index) add(folder string, depth int) error {
	x.folders = append(x.folders, folder)
	if info, err := os.Stat(folder); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", folder)
	}
	level := []string{folder}
	for ; len(level) > 0 && depth >= 0; depth-- {
		var next []string
		for _, dir := range level {
			entries, err := os.ReadDir(dir)
			if err != nil && dir == folder {
				return err
			}
			for _, e := range entries {
				path := filepath.Join(dir, e.Name())
				if isDir(path, e) {
					if !strings.HasPrefix(e.Name(), ".") {
						next = append(next, path)
					}
				} else if _, ok := x.paths[e.Name()]; !ok {
					x.paths[e.Name()] = path
				}
			}
		}
		level = next
	}
	return nil
}

// isDir reports whether an entry is a folder or a link to one.
func isDir(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// find returns the path of the first name that exists.
func (x *index) find(names ...string) (path string, ok bool) {
	for _, name := range names {
		if path, ok := x.paths[name]; ok {
			return path, true
		}
	}
	return "", false
}

// weights returns the path of the model's weights with any ending. It prefers plain
// weights to encrypted ones.
func (x *index) weights(model string, haveKey bool) (string, error) {
	best, rank := "", 0
	for name := range x.paths {
		r, ok := weightfile.Rank(name, model)
		if ok && (best == "" || r < rank || r == rank && name < best) {
			best, rank = name, r
		}
	}
	if best != "" {
		return x.paths[best], nil
	}
	name := model + weightfile.Extensions[0] + crypt.Ext
	path, ok := x.find(name)
	if ok && !haveKey {
		return "", hint.New(fmt.Errorf("%s: it is encrypted, and no key was given", path), "name the key's file by --key")
	}
	if ok {
		return path, nil
	}
	err := fmt.Errorf("%s: no weights %s in %s", model, name[:len(name)-len(crypt.Ext)], strings.Join(x.folders, ", "))
	if near, ok := x.nearest(model); ok {
		return "", hint.New(err, "there is %s", near)
	}
	return "", hint.New(err, "name the folder that holds the weights: --weights %s", strings.Join(append(slices.Clone(x.given), "FOLDER"), ","))
}

// weights returns the path of the weights of j. Without weights it returns the path of
// the ONNX model that the config names, relative to the config.
func (b *builder) weights(j *job) (string, error) {
	path, err := b.files.weights(j.name, b.options.Key != nil)
	if err == nil {
		return path, nil
	}
	config, ok := b.files.find(j.config+".yml", j.config+".yaml")
	if !ok {
		return "", err
	}
	c, configErr := modelspec.ReadFile(config)
	if configErr != nil || c.Model.ONNX == "" {
		return "", err
	}
	model := c.Model.ONNXPath(config)
	if _, statErr := os.Stat(model); statErr != nil {
		return "", fmt.Errorf("%w, and model.onnx of %s names no file: %s", err, config, model)
	}
	return model, nil
}

// nearest returns the path of the weights with the most similar name.
func (x *index) nearest(model string) (string, bool) {
	paths, names := map[string]string{}, []string{}
	for name, path := range x.paths {
		short := weightfile.ModelName(name)
		if short != name && !strings.HasSuffix(short, ".yml") {
			paths[short] = path
			names = append(names, short)
		}
	}
	slices.Sort(names)
	near, ok := nearest.Name(model, names)
	return paths[near], ok
}
