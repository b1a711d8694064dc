package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/foldfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/spf13/cobra"
)

// configFlags name a config and change it.
type configFlags struct {
	path string
	data string
	set  []string
	seed uint64
}

func (f *configFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.path, "config", "c", "", "the config, a YAML `FILE`")
	fs.StringVar(&f.data, "data", "", "the `FOLDER` that the config's paths are relative to (default: this one)")
	fs.StringArrayVar(&f.set, "set", nil, "change a `KEY=VALUE` of the config, e.g. train.batch_size=8; may be given often")
	fs.Uint64Var(&f.seed, "seed", 0, "what decides all that is random (default: train.seed)")
}

// project is a config with what it is about.
type project struct {
	cmd  *cobra.Command
	name string // of the config
	c    *config.Config
	arch arch.Arch
	data string // folder that paths are relative to
}

// project reads the config. changes are assignments that come after --set's.
func (f *configFlags) project(cmd *cobra.Command, changes ...string) (*project, error) {
	if f.path == "" {
		return nil, cli.Usagef("--config is needed: the YAML file of the training")
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	return f.parse(cmd, f.path, text, changes...)
}

// parse is project with the text of the config; path is what it is called.
func (f *configFlags) parse(cmd *cobra.Command, path string, text []byte, changes ...string) (*project, error) {
	c, warnings, err := config.Parse(path, text)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		cli.Printf(cmd, "warning: %s", w)
	}
	if cmd.Flags().Changed("seed") {
		changes = append(changes, fmt.Sprintf("train.seed=%d", f.seed))
	}
	for _, s := range append(f.set, changes...) {
		if err := c.Set(s); err != nil {
			return nil, err
		}
	}
	for _, text := range c.Unread() {
		cli.Printf(cmd, "warning: %s: nothing reads %s", path, text)
	}
	a, err := arch.Find(arch.All(), c.Model.Arch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".yml"), ".yaml")
	return &project{cmd: cmd, name: name, c: c, arch: a, data: f.data}, nil
}

// path returns where a path of the config leads.
func (p *project) path(name string) string {
	if p.data == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.data, name)
}

// imageDir returns the folder of images that a config names, or the folder of
// that name beside a table.
func (p *project) imageDir(given, csv, name string) string {
	if given != "" {
		return p.path(given)
	}
	return filepath.Join(filepath.Dir(p.path(csv)), name)
}

// set opens the table of training. Rows that were added to it may be of test
// images.
func (p *project) set() (*data.Set, error) {
	c := p.c
	dirs := []string{p.imageDir(c.Data.TrainDir, c.Train.CSV, "train")}
	if test := p.imageDir(c.Data.TestDir, c.Test.CSV, "test"); isDir(test) {
		dirs = append(dirs, test)
	}
	set, err := data.Open(p.cmd.Context(), data.Source{CSV: p.path(c.Train.CSV), Dirs: dirs, Classes: c.Model.NumClasses})
	if errors.Is(err, os.ErrNotExist) {
		err = cli.Hint(err, "train.csv names the table; --data names the folder that it is in")
	}
	if err != nil {
		return nil, err
	}
	model := c.Ensemble(p.name)
	set.Decoder = model.Decoder(set.Decoder.Formats)
	return set, nil
}

// folds reads the folds of the rows.
func (p *project) folds(rows int) ([]uint8, error) {
	folds, err := foldfile.Read(p.path(p.c.Train.FoldsFile), rows, p.c.Model.NumFolds)
	if err != nil {
		err = cli.Hint(err, "`train folds --config %s.yml` makes it", p.name)
	}
	return folds, err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// foldSeed is the seed of a fold's training.
func foldSeed(seed uint64, fold int) uint64 { return seed*0x9e3779b97f4a7c15 + uint64(fold) + 1 }
