// Package datafolder finds the files of a competition's data, by one rule for
// all commands:
//
//   - --data FOLDER names the folder of train.csv, folds.npy, the sample
//     submission and the folders of images;
//
//   - without it, each file is taken from the first of the folders ., data,
//     ../input and /kaggle/input that has it. The last two are searched three
//     folders deep, as Kaggle mounts each dataset in a folder of its own.
//
//     path, ok := datafolder.Find("", "train.csv") // data/train.csv
package datafolder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// here are the folders that are looked into, mounts those that are searched with
// the folders below them.
var (
	here   = []string{".", "data"}
	mounts = []string{filepath.Join("..", "input"), "/kaggle/input"}
)

// depth is how deep mounts are searched.
const depth = 3

// Searched lists the folders that Find looks into, after those in before, for
// messages.
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

// Find returns the path of the first of the files or folders called names that
// there is: in the folder given, or by the rule if that is "". Absolute names
// are looked for nowhere else.
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
		if path, ok := below(dir, names); ok {
			return path, true
		}
	}
	return "", false
}

// Path is Find of one name. Where there is no such file it returns the path that
// it would have in the folder given, or in this one.
func Path(given, name string) string {
	if path, ok := Find(given, name); ok {
		return path
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(given, name)
}

// testNames are files and folders that tell the folder of the test images.
var testNames = []string{"sample_submission.csv", "sampleSubmission.csv", "SampleSubmission.csv", "test"}

// OfTest returns the folder under which the sample submission and the test images
// are, by the rule, "" where there is none. Of Kaggle's mounts it is the whole
// folder of mounts.
func OfTest() string {
	for _, dir := range here {
		if _, ok := in(dir, testNames); ok {
			return dir
		}
	}
	for _, dir := range mounts {
		if _, ok := below(dir, testNames); ok {
			return dir
		}
	}
	return ""
}

// in finds a name in a folder.
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

// below finds a name in a folder or in those below it, the nearest first.
func below(dir string, names []string) (string, bool) {
	level := []string{dir}
	for range depth + 1 {
		var next []string
		for _, d := range level {
			if path, ok := in(d, names); ok {
				return path, true
			}
			entries, err := os.ReadDir(d)
			if err != nil {
				continue
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
