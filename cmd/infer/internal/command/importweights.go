package command

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// importFlags are the flags of the verb import-weights.
type importFlags struct {
	arch, name, score, key, output string
	taskName, metricName           string
	classNames                     string // a list, or the path of a file
	threshold                      float64
	fold, folds, epoch             int
	size, views                    int
	force                          bool

	spec  *predictionspec.Spec // what the flags say of predictions
	model string               // the ONNX model of imported weights, or ""
}

// importWeights returns the verb that prepares weights of other training code.
func importWeights() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import-weights FILE",
		Short: "Prepare weights of other training code: name, config, threshold, ensemble",
		Long: `import-weights reads weights of other training code, in any form of PyTorch or
safetensors, or imports an ONNX model. It checks that they fit an architecture, and writes to a folder what
the other commands need:

  NAME_f<fold>_e<epoch>_<score>.safetensors  the weights, under their plain names
  NAME.yml                                   the config: architecture or model, sizes
  NAME_f<fold>_e<epoch>_<score>.yml          the threshold
  NAME_ensemble.yml                          an ensemble of the folds of NAME

It drops prefixes (module., _orig_mod., model., backbone., …), losses, metrics and
counters. It prefers a moving average to the raw weights; --weights-key chooses
others.

Import the folds of one network one by one, under the same --name.

A model gives an image any number of labels, unless --task, or the config in the
weights, says what else its outputs mean. The outputs of an ordinal model are the logits of a grade above 0,
above 1 and so on.`,
		Example: `  infer import-weights model_best.pth.tar --arch resnet34 --threshold 0.3 -o models/
  infer import-weights last.ckpt --arch seresnext50_32x4d --name se50 --fold 1 --size 320 -o models/
  infer import-weights checkpoint.pth --arch resnet50 --weights-key model -o models/
  infer import-weights cassava.pth --arch resnet50 --task multiclass --class-names cbb,cbsd,cgm,cmd,healthy
  infer models/se50_ensemble.yml --weights models/ --input data/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.arch, "arch", "", "the `ARCHITECTURE` (default: the one that fits the tensors)")
	cli.ChoiceVar(fs, &f.taskName, "task", task.Names(), "what the outputs mean (default: multilabel)")
	cli.ChoiceVar(fs, &f.metricName, "metric", metric.Names(), "what the competition scores (default: the task's usual metric)")
	fs.StringVar(&f.classNames, "class-names", "", "the names of the classes by number: a `LIST` with commas, or a .json, .csv or .txt file")
	fs.Float64Var(&f.threshold, "threshold", 0.5, "probability above which an image gets a label, `0 to 1`")
	fs.StringVar(&f.name, "name", "", "`NAME` of the network (default: from the file's name)")
	fs.IntVar(&f.fold, "fold", 0, "the fold that training held out, `0 to 254`")
	fs.IntVar(&f.folds, "num-folds", 5, "the `NUMBER` of folds that training divided the table into, 1 to 255")
	fs.IntVar(&f.epoch, "epoch", 0, "the epoch after which the weights were saved, a `NUMBER`")
	fs.StringVar(&f.score, "score", "0", "the validation score, a `NUMBER`")
	fs.IntVar(&f.size, "size", 0, "height and width of the input in `PIXELS` (default: the architecture's usual ones)")
	fs.IntVar(&f.views, "num-ttas", 1, "number of `VIEWS` of each image to predict, 1 to 6")
	fs.StringVar(&f.key, "weights-key", "", "`NAME` of the weights to read from a file with several sets, such as model_ema (default: the average)")
	fs.StringVarP(&f.output, "output", "o", ".", "the `FOLDER` to write to")
	fs.BoolVar(&f.force, "force", false, "overwrite existing files")
	return cmd
}

func (f *importFlags) run(cmd *cobra.Command, path string) error {
	name, err := f.modelName(cmd, path)
	if err != nil {
		return err
	}
	if f.views < 1 || f.views > 6 {
		return cli.Usagef("--num-ttas %d: it must be from 1 to 6", f.views)
	}
	if f.folds < 1 || f.folds > 255 {
		return cli.Usagef("--num-folds %d: it must be from 1 to 255", f.folds)
	}
	file, err := openWeights(cmd, path, choice{key: f.key, Choice: network.Choice{InputSize: f.size}})
	if err != nil {
		return err
	}
	defer file.Close()
	f.model = file.Metadata()["onnx"]
	if f.spec, err = f.predictions(cmd, file.Metadata()); err != nil {
		return err
	}
	g, a, assumed, err := f.draw(file)
	if err != nil {
		return err
	}
	if err := f.countClasses(g); err != nil {
		return err
	}
	dict, err := f.dict(file, g, a)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.output, 0o755); err != nil {
		return err
	}
	if err := f.write(path, name, g, a, dict); err != nil {
		return err
	}
	f.report(cmd, path, name, g, a)
	if assumed {
		cli.Printf(cmd, "assuming the usual input size; --size gives another")
	}
	f.advise(cmd, name)
	return nil
}

// notInNames matches the characters that Kaggle drops from file names.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// modelName returns the name of the model, from the flags and the file's name.
func (f *importFlags) modelName(cmd *cobra.Command, path string) (ensemblefile.Name, error) {
	changed := cmd.Flags().Changed
	base := weightfile.ModelName(path)
	if given, err := ensemblefile.ParseName(base); err == nil {
		if !changed("name") {
			f.name = given.Config
		}
		if !changed("fold") {
			f.fold = given.Fold
		}
		if !changed("epoch") {
			f.epoch = given.Epoch
		}
		if !changed("score") {
			f.score = given.Score
		}
	}
	if f.name == "" {
		f.name = strings.Trim(notInNames.ReplaceAllString(base, "-"), "._-")
	}
	switch {
	case f.name == "" || notInNames.MatchString(f.name):
		return ensemblefile.Name{}, cli.Usagef("--name %q: letters, digits, dots, dashes and underscores make a name", f.name)
	case f.fold < 0 || f.fold > 254:
		return ensemblefile.Name{}, cli.Usagef("--fold %d: it must be from 0 to 254", f.fold)
	}
	if v, err := strconv.ParseFloat(f.score, 64); err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return ensemblefile.Name{}, cli.Usagef("--score %q: a number such as 0.6123 is needed", f.score)
	}
	name, err := ensemblefile.ParseName(fmt.Sprintf("%s_f%d_e%d_%s", f.name, f.fold, f.epoch, f.score))
	if err != nil {
		return name, cli.Usagef("--name %q, --epoch %d, --score %q: %v", f.name, f.epoch, f.score, err)
	}
	return name, nil
}

// usualSize returns the input size of an architecture's published weights.
func usualSize(a string) int {
	switch {
	case strings.HasPrefix(a, "cifar_"):
		return 32
	case a == "xception" || strings.HasPrefix(a, "inception"):
		return 299
	case strings.HasPrefix(a, "pnasnet"):
		return 331
	}
	return 224
}

// draw builds the network of the weights. It assumes the usual input size if neither
// the user nor the file gives one.
func (f *importFlags) draw(file *weightfile.File) (g *nn.Graph, a arch.Arch, assumed bool, err error) {
	c := choice{Choice: network.Choice{Arch: f.arch, InputSize: f.size}}
	if file.Metadata()["graph"] != "" {
		g, a, err = drawWeights(file, c)
		return g, a, false, err
	}
	if c.InputSize == 0 {
		n, err := strconv.Atoi(file.Metadata()["input_size"])
		if assumed = err != nil || n <= 0; assumed {
			n = usualSize(f.arch)
		}
		c.InputSize = n
	}
	g, a, err = drawWeights(file, c)
	if err == nil && assumed && usualSize(a.Name) != c.InputSize {
		c.Arch, c.InputSize = a.Name, usualSize(a.Name)
		g, a, err = drawWeights(file, c)
	}
	return g, a, assumed, err
}

// dict reads the weights. It refuses NaN and infinite values.
func (f *importFlags) dict(file *weightfile.File, g *nn.Graph, a arch.Arch) (*weights.StateDict, error) {
	from, err := file.StateDict()
	if err != nil {
		return nil, err
	}
	dict := &weights.StateDict{Metadata: map[string]string{
		"format": "pt", "arch": a.Name, "classes": strconv.Itoa(f.spec.Classes), "input_size": strconv.Itoa(g.Input.Shape.H),
		"fold": strconv.Itoa(f.fold), "epoch": strconv.Itoa(f.epoch), "score": f.score,
	}}
	if arch.IsImported(a.Name) {
		for _, key := range []string{"graph", "onnx", "activation", "mean", "std"} {
			if v, ok := from.Metadata[key]; ok {
				dict.Metadata[key] = v
			}
		}
	}
	if f.spec.Task != task.Multilabel {
		dict.Metadata["task"] = f.spec.Task.String() // for another import
	}
	if f.spec.ClassNames != nil {
		names, err := json.Marshal(f.spec.ClassNames)
		if err != nil {
			return nil, err
		}
		dict.Metadata["class_names"] = string(names)
	}
	for _, t := range from.Tensors {
		if t.DType == weights.F64 {
			if t, err = t.To(weights.F32); err != nil {
				return nil, fmt.Errorf("%s: %w", file.Path(), err)
			}
		}
		if t.DType.Float() {
			values, err := t.Float32s()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file.Path(), err)
			}
			if slices.ContainsFunc(values, func(v float32) bool { return v-v != 0 }) {
				return nil, fmt.Errorf("%s: tensor %s has values that are NaN or infinite; take an earlier checkpoint", file.Path(), t.Name)
			}
		}
		dict.Tensors = append(dict.Tensors, t)
	}
	return dict, nil
}

// write writes the four files.
func (f *importFlags) write(path string, name ensemblefile.Name, g *nn.Graph, a arch.Arch, dict *weights.StateDict) error {
	configText, err := f.config(path, g, a)
	if err != nil {
		return err
	}
	ensemble, err := f.ensemble(name)
	if err != nil {
		return err
	}
	spec, err := f.spec.Marshal()
	if err != nil {
		return err
	}
	var plain bytes.Buffer
	if err := weights.Write(&plain, dict); err != nil {
		return err
	}
	model := filepath.Join(f.output, name.Model())
	outputs := []struct {
		path string
		text []byte
	}{
		{model + ".safetensors", plain.Bytes()},
		{model + ".yml", spec},
		{f.configPath(), configText}, // nil is not written
		{f.ensemblePath(), ensemble},
	}
	if !f.force {
		for _, o := range outputs[:2] {
			if old, err := os.ReadFile(o.path); err == nil && !bytes.Equal(old, o.text) {
				return hint.New(fmt.Errorf("%s exists", o.path), "--force overwrites it; --name or --fold gives another name")
			}
		}
	}
	for _, o := range outputs {
		if o.text == nil {
			continue
		}
		if err := atomicfile.WriteFile(o.path, o.text); err != nil {
			return err
		}
	}
	return nil
}

func (f *importFlags) configPath() string { return filepath.Join(f.output, f.name+".yml") }

func (f *importFlags) ensemblePath() string {
	return filepath.Join(f.output, f.name+"_ensemble.yml")
}

// config returns the text of the config, or nil if the folder has a config of the same
// network.
func (f *importFlags) config(path string, g *nn.Graph, a arch.Arch) ([]byte, error) {
	size, classes := g.Input.Shape.H, f.spec.Classes
	taskLine := ""
	if f.spec.Task != task.Multilabel {
		taskLine = fmt.Sprintf("  task: %s\n", f.spec.Task)
	}
	sections, err := yaml.Marshal(struct {
		Metric modelspec.Metric `yaml:"metric,omitempty"`
		Labels modelspec.Labels `yaml:"labels,omitempty"`
	}{f.spec.Metric, f.spec.Labels})
	if err != nil {
		return nil, err
	}
	from := "arch: " + a.Name
	if arch.IsImported(a.Name) {
		from = fmt.Sprintf("onnx: %s\n  mean: [%s]\n  std: [%s]", strconv.Quote(f.model), yamlTriple(a.Mean), yamlTriple(a.Std))
	}
	text := fmt.Appendf(nil, `# Made by infer import-weights of %s.
model:
  %s
%s  input_size: %d
  num_classes: %d
  num_folds: %d
test:
  num_ttas: %d
`, strconv.Quote(filepath.Base(path)), from, taskLine, size, classes, max(f.folds, f.fold+1), f.views)
	if f.spec.Metric.Name != "" || f.spec.ClassNames != nil {
		text = append(text, sections...)
	}
	if _, err := modelspec.Parse(f.configPath(), text); err != nil {
		return nil, err
	}
	if f.force {
		return text, nil
	}
	old, err := modelspec.ReadFile(f.configPath())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return text, nil
	case err != nil:
		return nil, hint.New(err, "--force writes a new one; --name gives another name")
	case old.Model.Task() != f.spec.Task:
		return nil, hint.New(fmt.Errorf("%s exists: it is of the task %s, but these weights are of the task %s", f.configPath(), old.Model.Task(), f.spec.Task),
			"--name gives these weights another name; --force overwrites the config")
	case old.Model.Arch != a.Name && old.Model.ONNX == "" || old.Model.InputSize != size || old.Model.NumClasses != classes:
		return nil, hint.New(fmt.Errorf("%s exists: %s with %d classes at %d pixels, but these weights are of %s with %d classes at %d pixels",
			f.configPath(), cmp.Or(old.Model.Arch, old.Model.ONNX), old.Model.NumClasses, old.Model.InputSize, a.Name, classes, size),
			"--name gives these weights another name; --force overwrites the config")
	}
	return nil, nil
}

// yamlTriple returns three numbers as the elements of a YAML list.
func yamlTriple(v [3]float32) string { return strings.ReplaceAll(triple(v), " ", ", ") }

// ensemble returns the text of an ensemble of all folds of the network in the folder.
func (f *importFlags) ensemble(name ensemblefile.Name) ([]byte, error) {
	byFold := map[int]string{}
	entries, err := os.ReadDir(f.output)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		n, err := ensemblefile.ParseName(e.Name())
		if err == nil && n.Config == name.Config && strings.HasSuffix(e.Name(), ".safetensors") {
			byFold[n.Fold] = n.Model()
		}
	}
	byFold[name.Fold] = name.Model()
	m := ensemblefile.Member{Coefficient: 1}
	for fold := range 255 {
		if model, ok := byFold[fold]; ok {
			m.Predicts = append(m.Predicts, ensemblefile.TrainPrefix+model+".npy")
		}
	}
	var b bytes.Buffer
	err = ensemblefile.Write(&b, &ensemblefile.Ensemble{Members: []ensemblefile.Member{m}})
	return b.Bytes(), err
}

// report prints what was written.
func (f *importFlags) report(cmd *cobra.Command, path string, name ensemblefile.Name, g *nn.Graph, a arch.Arch) {
	model := filepath.Join(f.output, name.Model()+".safetensors")
	fmt.Fprintln(cmd.OutOrStdout(), model)
	fmt.Fprintln(cmd.OutOrStdout(), f.ensemblePath())
	cli.Printf(cmd, "%s: %s, %d classes, %d pixels, normalized by mean %s and deviation %s", path, a.Name, f.spec.Classes, g.Input.Shape.H, triple(a.Mean), triple(a.Std))
}

// advise prints what to run next.
func (f *importFlags) advise(cmd *cobra.Command, name ensemblefile.Name) {
	model := filepath.Join(f.output, name.Model()+".safetensors")
	dir := say.Shell(f.output)
	if f.spec.Threshold > 0 && !cmd.Flags().Changed("threshold") {
		cli.Printf(cmd, "the threshold is 0.5; with labels, find the best one: train --predict-oof --config %s --weights %s --data DATA", say.Shell(f.configPath()), say.Shell(model))
	}
	cli.Printf(cmd, "predict: infer %s --weights %s --input DATA", say.Shell(f.ensemblePath()), dir)
	cli.Printf(cmd, "deploy: deploy-kernel infer %s --weights %s --user YOU", say.Shell(f.ensemblePath()), dir)
}
