package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/spf13/cobra"
)

// configFlags are the flags that name a config and change it.
type configFlags struct {
	path string
	data string
	set  []string
	seed uint64
}

func (f *configFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.path, "config", "c", "", "the config, a YAML `FILE`")
	fs.StringVar(&f.data, "data", "", "the `FOLDER` of train.csv and what belongs to it (default: the first of ., data, ../input, /kaggle/input that has it)")
	fs.StringArrayVar(&f.set, "set", nil, "change a `KEY=VALUE` of the config, e.g. train.batch_size=8; may be given often")
	cli.CompleteYAML(cmd, "config")
	_ = cmd.RegisterFlagCompletionFunc("set", completeSet)
	fs.Uint64Var(&f.seed, "seed", 0, "what decides all that is random (default: train.seed)")
}

// project is a config with its architecture and data folder.
type project struct {
	cmd    *cobra.Command
	name   string // of the config
	config *config.Config
	arch   arch.Arch // zero if the network is imported
	data   string    // folder that the user named, or ""
	root   string    // folder of the table: the config's paths are relative to it
}

// project reads the config. changes are assignments to make after those of --set.
func (f *configFlags) project(cmd *cobra.Command, changes ...string) (*project, error) {
	if f.path == "" {
		return nil, cli.Usagef("--config is needed: the YAML file of the training")
	}
	text, err := textfile.Read(f.path, "a config")
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	return f.parse(cmd, f.path, text, changes...)
}

// parse is project for a config whose text is given. Errors call it path.
func (f *configFlags) parse(cmd *cobra.Command, path string, text []byte, changes ...string) (*project, error) {
	if cmd.Flags().Changed("seed") {
		changes = append(changes, fmt.Sprintf("train.seed=%d", f.seed))
	}
	c, warnings, err := config.Parse(path, text, append(f.set, changes...)...)
	if missing := new(modelspec.MissingClassesError); errors.As(err, &missing) {
		return nil, f.countClasses(missing)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		cli.Printf(cmd, "warning: %s", w)
	}
	for _, text := range c.Unread() {
		cli.Printf(cmd, "warning: %s: nothing reads %s", path, text)
	}
	var a arch.Arch
	if c.Model.ONNX == "" {
		if a, err = network.Find(arch.All(), c.Model.Arch); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".yml"), ".yaml")
	p := &project{cmd: cmd, name: name, config: c, arch: a, data: f.data}
	p.find()
	return p, nil
}

// countClasses adds to the error of a config without model.num_classes the number
// that the training table needs.
func (f *configFlags) countClasses(missing *modelspec.MissingClassesError) error {
	spec := missing.Spec
	path, ok := datafolder.Find(f.data, spec.Table.CSV)
	if !ok {
		return missing
	}
	names, err := (&project{data: f.data}).classNames(spec.Labels.Classes)
	if err != nil {
		return errors.Join(missing, err)
	}
	table, err := labeltable.Open(path, spec.Labels.Options(spec.Model.Task(), 0, names))
	if err != nil {
		return errors.Join(missing, err)
	}
	n := table.Classes
	switch {
	case n == 0:
		return missing
	case table.Names != nil:
		err = fmt.Errorf("%w: %s has %s (%s)", missing, path, say.Count(n, "class"), say.Some(table.Names, maxNames))
	default:
		err = fmt.Errorf("%w: the highest class in %s is %d, so %d", missing, path, n-1, n)
	}
	return hint.New(err, "add `num_classes: %d` to the section model, or --set model.num_classes=%d", n, n)
}

// maxNames limits the class names in a message.
const maxNames = 5

// classNames returns the names of the classes that labels.classes gives, itself or in a
// file of the data folder. It returns nil if there are none.
func (p *project) classNames(classes []string) ([]string, error) {
	if !labeltable.IsClassFile(classes) {
		return classes, nil
	}
	return labeltable.ReadClasses(p.path(classes[0]))
}

// completeSet completes --set KEY=VALUE.
func completeSet(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	key, _, hasValue := strings.Cut(typed, "=")
	if hasValue {
		var list []string
		for _, v := range config.Values(key) {
			list = append(list, key+"="+v)
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	section := ""
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		section = key[:i+1]
	}
	var list []string
	for _, k := range config.Keys(strings.TrimSuffix(section, ".")) {
		if config.Keys(section+k) != nil {
			list = append(list, section+k+".")
		} else {
			list = append(list, section+k+"=")
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
}
