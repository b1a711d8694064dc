// Package datafolder finds the files of a competition's data. All commands follow one
// rule:
//
//   - --data FOLDER names the folder of train.csv, folds.npy, the sample submission
//     and the folders of images;
//   - without it, each file comes from the first of the folders ., data, ../input and
//     /kaggle/input that has it. The last two are searched three folders deep, as
//     Kaggle mounts each dataset in a folder of its own.
//
// For example, with train.csv in ./data:
//
//	path, ok := datafolder.Find("", "train.csv") // data/train.csv
package datafolder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// Find looks into the folders here, and deep into the folders mounts.
var (
	here   = []string{".", "data"}
	mounts = []string{filepath.Join("..", "input"), "/kaggle/input"}
)

// depth is the number of levels below a mount that are searched.
const depth = 3

// Searched returns the folders that Find looks into, after those in before, as a list
// for messages.
func Searched(given string, before ...string) string {
	if given != "" {
		return given
	}
	var dirs []string
	for _, dir := range slices.Concat(before, here, mounts) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, ", ")
}

// Find returns the path of the first of names that exists as a file or folder. It
// looks in the folder given, or by the rule of the package comment if given is "". An
// absolute name is its own path.
func Find(given string, names ...string) (path string, ok bool) {
	for _, name := range names {
		if filepath.IsAbs(name) && exists(name) {
			return name, true
		}
	}
	if given != "" {
		return in(given, names)
	}
	for _, dir := range here {
		if path, ok := in(dir, names); ok {
			return path, true
		}
	}
	for _, dir := range mounts {
		if path, ok := below(dir, func(d string, _ []os.DirEntry) (string, bool) { return in(d, names) }); ok {
			return path, true
		}
	}
	return "", false
}

// OfTest returns the folder with the sample submission or the folder test, by the
// rule, or "" if there is none. In Kaggle's mounts it returns ../input or
// /kaggle/input, because images and sample may lie in different datasets.
func OfTest() string {
	for _, dir := range here {
		entries, _ := os.ReadDir(dir) // a missing folder has none
		if _, ok := testIn(dir, entries); ok {
			return dir
		}
	}
	for _, dir := range mounts {
		if _, ok := below(dir, testIn); ok {
			return dir
		}
	}
	return ""
}

// testIn finds a sample submission or the folder test among the entries of a folder.
func testIn(dir string, entries []os.DirEntry) (string, bool) {
	for _, e := range entries {
		if e.Name() == "test" || !e.IsDir() && input.IsSample(e.Name()) {
			return filepath.Join(dir, e.Name()), true
		}
	}
	return "", false
}

// in finds the first of names in a folder.
func in(dir string, names []string) (string, bool) {
	for _, name := range names {
		if filepath.IsAbs(name) {
			continue
		}
		if path := filepath.Join(dir, name); exists(path) {
			return path, true
		}
	}
	return "", false
}

// below calls find with a folder and those below it, level by level, until one
// succeeds.
func below(dir string, find func(dir string, entries []os.DirEntry) (path string, ok bool)) (string, bool) {
	level := []string{dir}
	for range depth + 1 {
		var next []string
		for _, d := range level {
			entries, err := os.ReadDir(d)
			if err != nil {
				continue
			}
			if path, ok := find(d, entries); ok {
				return path, true
			}
			for _, e := range entries {
				if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
					next = append(next, filepath.Join(d, e.Name()))
				}
			}
		}
		level = next
	}
	return "", false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
