package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/trainer"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
)

// find sets p.root to the folder of the table, or of the sample submission if
// there is no table.
func (p *project) find() {
	for _, name := range []string{p.config.Train.CSV, p.config.Test.CSV} {
		if filepath.IsAbs(name) {
			continue
		}
		if path, ok := datafolder.Find(p.data, name); ok {
			if root, ok := strings.CutSuffix(path, filepath.Clean(name)); ok {
				p.root = root
				return
			}
			break // the name leads out of the folder, as ../train.csv does
		}
	}
	p.root = p.data
}

// path returns the file or folder that the config calls name, in the folder of
// the table or else where package datafolder finds it. If there is none, it
// returns the path in the folder of the table.
func (p *project) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return p.near(p.root, name)
}

// imageDir returns the folder of images that the config gives, or else the folder
// called name beside the table csv.
func (p *project) imageDir(given, csv, name string) string {
	if given != "" {
		return p.path(given)
	}
	return p.near(filepath.Dir(p.path(csv)), name)
}

// near returns the path of name in a folder, unless it exists only where package
// datafolder finds it.
func (p *project) near(folder, name string) string {
	beside := filepath.Join(folder, name)
	if _, err := os.Stat(beside); err == nil {
		return beside
	}
	if path, ok := datafolder.Find(p.data, name); ok {
		return path
	}
	return beside
}

// set opens the training table. Its images may also lie in the folder of test
// images, as pseudo-labeled rows do.
func (p *project) set() (*data.Set, error) {
	c := p.config
	dirs := []string{p.imageDir(c.Data.TrainDir, c.Train.CSV, "train")}
	if test := p.imageDir(c.Data.TestDir, c.Test.CSV, "test"); isDir(test) {
		dirs = append(dirs, test)
	}
	labels, err := p.labelOptions()
	if err != nil {
		return nil, err
	}
	set, err := trainer.Open(p.cmd.Context(), c, data.Source{CSV: p.path(c.Train.CSV), Dirs: dirs, Labels: labels})
	if errors.Is(err, fs.ErrNotExist) {
		err = p.missing(err, "train.csv", "the table")
	}
	return set, err
}

// labelOptions returns how the training table is read.
func (p *project) labelOptions() (labeltable.Options, error) {
	c := p.config
	names, err := p.classNames(c.Labels.Classes)
	return c.Labels.Options(c.Model.Task(), c.Model.NumClasses, names), err
}

// missing adds to err, of a data file that does not exist, where it was looked for.
func (p *project) missing(err error, key, what string) error {
	if p.data != "" {
		return hint.New(err, "%s names %s in the folder of --data", key, what)
	}
	return hint.New(err, "%s names %s; --data names its folder (looked in %s)", key, what, datafolder.Searched(""))
}

// folds reads the folds of a table with these ids.
func (p *project) folds(ids []string) ([]uint8, error) {
	path := p.path(p.config.Train.FoldsFile)
	folds, err := foldfile.ForTable(path, ids, 0)
	if err != nil && foldfile.IsTable(path) {
		return nil, hint.New(err, "train.folds_file names a table of ids and folds; name a .npy to divide the table anew")
	}
	if err != nil {
		return nil, hint.New(err, "`%s` makes it", p.again("train", "folds"))
	}
	return folds, p.checkFolds(path, folds)
}

// checkFolds refuses folds whose number is not model.num_folds, and empty folds.
func (p *project) checkFolds(path string, folds []uint8) error {
	var rows [foldfile.Always]int
	n := 0
	for _, f := range folds {
		if f != foldfile.Always {
			rows[f]++
			n = max(n, int(f)+1)
		}
	}
	want := p.config.Model.NumFolds
	if n != want {
		return hint.New(fmt.Errorf("%s has %d folds, but model.num_folds is %d", path, n, want),
			"--set model.num_folds=%d takes them as they are; `%s --force` divides the table anew", n, p.again("train", "folds"))
	}
	for f, count := range rows[:n] {
		if count == 0 {
			return hint.New(fmt.Errorf("%s: no row is in fold %d, though there are rows in fold %d", path, f, n-1),
				"`%s --force` divides the table anew", p.again("train", "folds"))
		}
	}
	return nil
}

// makeFolds is folds for a training: if there is no file of folds, it divides the
// table and, with write, writes the file.
func (p *project) makeFolds(set *data.Set, write bool) ([]uint8, error) {
	file := p.path(p.config.Train.FoldsFile)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) || foldfile.IsTable(file) {
		return p.folds(set.IDs)
	}
	d := division{Table: set.Table, groups: set.Groups}
	if err := p.stratify(&d); err != nil {
		return nil, err
	}
	path, done := p.path(p.config.Train.FoldsFile), "would be made"
	if write {
		var err error
		if path, err = p.writeFolds(d.folds); err != nil {
			return nil, err
		}
		done = "is made"
	}
	cli.Printf(p.cmd, "%s: there is none, so it %s: %s (`train folds --group-by` keeps near-copies together)", path, done, d.summary())
	return d.folds, nil
}

// writeFolds writes the folds beside the table, or in the working folder if the
// folder of the table is read-only. It returns the path.
func (p *project) writeFolds(folds []uint8) (path string, err error) {
	path = p.path(p.config.Train.FoldsFile)
	err = foldfile.Write(path, folds)
	if base := filepath.Base(path); err != nil && p.data == "" && path != base {
		if foldfile.Write(base, folds) == nil {
			return base, nil
		}
	}
	return path, err
}

// again returns a command line with the flags by which the user chose the config,
// the data and, where command trains, the folder of the training.
func (p *project) again(command ...string) string {
	names := []string{"config", "data", "seed"}
	if !slices.Contains(command, "folds") {
		names = append(names, "run")
	}
	flags := p.cmd.Flags()
	for _, name := range names {
		if f := flags.Lookup(name); f != nil && f.Changed {
			command = append(command, "--"+name, f.Value.String())
		}
	}
	if list, err := flags.GetStringArray("set"); err == nil {
		for _, s := range list {
			command = append(command, "--set", s)
		}
	}
	return say.Shell(command...)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
