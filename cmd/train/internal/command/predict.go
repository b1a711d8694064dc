package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/spf13/cobra"
)

// predict predicts with the weights of the folds, or with the weights that flags name.
func (f *trainFlags) predict(p *project, folds []int) error {
	files, err := f.weightFiles(p, folds)
	if err != nil {
		return err
	}
	j := &prediction{project: p, flags: f}
	if f.predictOOF {
		if j.set, err = p.set(); err != nil {
			return err
		}
		if j.folds, err = p.folds(j.set.IDs); err != nil {
			return err
		}
	}
	if f.predictTest {
		if j.test, err = p.testImages(p.cmd.Context()); err != nil {
			return err
		}
	}
	p.warnOfSpeed()
	for _, path := range files {
		if err := j.file(p.cmd.Context(), path); err != nil {
			return p.stopped(p.cmd.Context(), err, "stopped at %s; finished predictions are kept, but the same command predicts all of them again", path)
		}
	}
	return j.summarize()
}

// summarize prints the scores of the folds of each config.
func (j *prediction) summarize() error {
	for i, name := range j.configs {
		v := j.results[name]
		if len(v.folds) < 2 {
			continue
		}
		if len(j.configs) > 1 {
			fmt.Fprintf(j.cmd.OutOrStdout(), "%s:\n", name)
		}
		v.outOfFold = v.pooled.score(j.config.Score())
		if err := v.write(j.cmd.OutOrStdout()); err != nil {
			return err
		}
		if i < len(j.configs)-1 {
			fmt.Fprintln(j.cmd.OutOrStdout())
		}
	}
	return nil
}

// projectOf returns the project of the config that the first file of weights
// carries, or that lies beside it.
func (f *trainFlags) projectOf(cmd *cobra.Command) (*project, error) {
	paths, err := f.weightFiles(nil, nil)
	if err != nil {
		return nil, err
	}
	switch file, err := weightfile.OpenAny(paths[0]); {
	case err == nil:
		defer file.Close()
		if text := file.Metadata()["config"]; text != "" {
			return f.config.parse(cmd, paths[0], []byte(text), f.changes(cmd)...)
		}
	case !errors.Is(err, weightfile.ErrONNX): // a model carries no config
		return nil, err
	}
	path, ok := modelspec.Beside(paths[0])
	if !ok {
		return nil, cli.Usagef("--config is needed: %s carries none, and there is none beside it", paths[0])
	}
	text, err := textfile.Read(path, "a config")
	if err != nil {
		return nil, err
	}
	return f.config.parse(cmd, path, text, f.changes(cmd)...)
}

// weightFiles lists the files to predict with.
func (f *trainFlags) weightFiles(p *project, folds []int) ([]string, error) {
	if f.weights != "" && !f.all {
		return []string{f.weights}, nil
	}
	if f.all {
		return allWeights(strings.Split(f.weights, ","))
	}
	if p.config.Model.ONNX != "" {
		return nil, cli.Usagef("--weights is needed: the weights of an imported network, which `infer import-weights` makes of %s", p.config.Model.ONNX)
	}
	var files []string
	for _, number := range folds {
		dir := filepath.Join(f.runDir, fmt.Sprintf("f%d", number))
		found, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("%s_f%d_e*.safetensors", p.name, number)))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, hint.New(fmt.Errorf("%s: there are no weights of fold %d", dir, number),
				"`%s --fold %d` trains it; --weights names weights that lie elsewhere", p.again("train"), number)
		}
		files = append(files, found[len(found)-1])
	}
	return files, nil
}

// prediction holds the data that all files of weights share.
type prediction struct {
	*project
	flags *trainFlags
	set   *data.Set // of training, where the held-out rows are predicted
	folds []uint8
	test  []string // paths of the test images

	configs []string // the configs whose held-out rows were predicted, in order
	results map[string]*crossValidation
}

// note records the predictions of a fold and their score.
func (j *prediction) note(m *member, truth metric.Rows, score, threshold float64) {
	config, epoch := m.name, -1
	if n, err := ensemblefile.ParseName(m.name); err == nil {
		config, epoch = n.Config, n.Epoch
	}
	if j.results == nil {
		j.results = map[string]*crossValidation{}
	}
	if j.results[config] == nil {
		j.results[config] = &crossValidation{validation: j.validation()}
		j.configs = append(j.configs, config)
	}
	v := j.results[config]
	v.add(m.fold, epoch, truth.Len(), score, threshold)
	v.pooled.add(m.fold, truth, score)
}

// member is a file of weights, ready to predict.
type member struct {
	name  string
	dir   string // of the output
	fold  int
	data  []byte // the plain safetensors file
	arch  arch.Arch
	model ensemble.Model
}

// file predicts with one file of weights.
func (j *prediction) file(ctx context.Context, path string) error {
	m, err := j.member(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	threshold, known := 0.0, !j.thresholds()
	if j.flags.predictOOF {
		if threshold, err = j.oof(ctx, m); err != nil {
			return err
		}
		known = true
	}
	if !j.flags.predictTest {
		return nil
	}
	if !known {
		spec, err := predictionspec.Read(filepath.Join(m.dir, m.name+".yml"))
		if err != nil {
			return err
		}
		threshold = spec.Threshold
	}
	got, err := j.run(ctx, m, "test", j.test, threshold)
	if err != nil {
		return err
	}
	out := filepath.Join(m.dir, ensemblefile.TestPrefix+m.name+".npy")
	if err := writeArray(out, got, m.model.Values()); err != nil {
		return err
	}
	cli.Printf(j.cmd, "%s: %d test images", out, len(j.test))
	return nil
}

// member opens a file of weights, and determines its network and its fold.
func (j *prediction) member(path string) (*member, error) {
	file, err := openWeights(j.project, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m := &member{name: weightfile.ModelName(path), dir: j.flags.output}
	if m.dir == "" {
		m.dir = filepath.Dir(path)
	} else if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	meta := file.Metadata()
	c, err := j.configOf(path, meta)
	if err != nil {
		return nil, err
	}
	views := c.Test.NumTTAs
	if j.cmd.Flags().Changed("num-ttas") {
		views = j.flags.numTTAs
	}
	if m.arch, err = network.OfConfig(c.Model, arch.All(), meta); err != nil {
		return nil, err
	}
	if j.set != nil && c.Model.NumClasses != j.set.Classes {
		return nil, fmt.Errorf("the network has %d classes, the table %d", c.Model.NumClasses, j.set.Classes)
	}
	if c.Model.Task() != j.config.Model.Task() {
		return nil, fmt.Errorf("the network is of the task %s, the config of %s", c.Model.Task(), j.config.Model.Task())
	}
	m.model = network.WithArch(c.Ensemble(j.name), m.arch)
	m.model.Views = views
	if most := m.model.Scaling.MaxViews(c.Model.InputSize); views > most {
		return nil, fmt.Errorf("%d views, but with model.resize: %s there are %d", views, m.model.Scaling.Policy, most)
	}
	name, nameErr := ensemblefile.ParseName(m.name)
	switch n, err := strconv.Atoi(meta["fold"]); {
	case err == nil:
		m.fold = n
	case nameErr == nil:
		m.fold = name.Fold
	case j.cmd.Flags().Changed("fold"):
		m.fold = j.flags.fold
	case j.set != nil:
		return nil, hint.New(errors.New("neither the file nor its name says which fold it held out"), "give --fold")
	}
	var plain bytes.Buffer
	if err := file.Convert(&plain); err != nil {
		return nil, err
	}
	m.data = plain.Bytes()
	return m, nil
}

// run predicts images and shows the progress.
func (j *prediction) run(ctx context.Context, m *member, what string, paths []string, threshold float64) ([]float32, error) {
	bar := cli.NewProgress(j.cmd, m.name+", "+what, int64(len(paths)), cli.Items)
	defer bar.Close()
	last := 0
	return predict.Fold(ctx, m.arch, &m.model, &ensemble.Fold{Name: m.name, Threshold: threshold}, m.data, paths,
		predict.FoldOptions{Operations: engine.Operations(), Formats: formats.All(), Threads: j.flags.threads, Batch: j.config.Test.BatchSize, Tell: func(done int) {
			bar.Add(int64(done - last))
			last = done
		}})
}

// oof predicts the held-out rows, finds the threshold and writes both.
func (j *prediction) oof(ctx context.Context, m *member) (float64, error) {
	_, held, err := fold.Split(j.folds, m.fold)
	if err != nil {
		return 0, fmt.Errorf("%s: %w in %s", m.name, err, j.config.Train.FoldsFile)
	}
	paths := make([]string, len(held))
	for i, row := range held {
		paths[i] = j.set.Paths[row]
	}
	got, err := j.run(ctx, m, fmt.Sprintf("fold %d", m.fold), paths, 0)
	if err != nil {
		return 0, err
	}
	truth, by := j.set.Truth(held), j.config.Score()
	threshold, score := loop.Score(by, truth, got)
	_, constant := by.Constant(truth)
	for i, v := range got {
		got[i] = float32(float64(v) - threshold)
	}
	out := filepath.Join(m.dir, ensemblefile.TrainPrefix+m.name+".npy")
	if err := writeArray(out, got, m.model.Values()); err != nil {
		return 0, err
	}
	if err := j.spec(threshold).Write(filepath.Join(m.dir, m.name+".yml")); err != nil {
		return 0, err
	}
	if !ofRows(by) {
		truth.Scores = got
	}
	j.note(m, truth, score, threshold)
	cli.Printf(j.cmd, "%s: %d rows, %s%s; the best constant answer has %.4f", out, len(held), j.score(score), j.at(threshold), constant)
	return threshold, nil
}

// spec returns the description of predictions with a threshold.
func (j *prediction) spec(threshold float64) *predictionspec.Spec {
	c := j.config
	s := &predictionspec.Spec{
		Threshold: threshold, Task: c.Model.Task(), Classes: c.Model.NumClasses, Metric: c.Metric, Labels: c.Labels, ClassNames: j.set.Names,
	}
	if s.Task == task.Regression {
		s.ClassNames = nil // the targets are the columns of the labels
	}
	return s
}

// at formats the threshold of a score, if it has one.
func (p *project) at(threshold float64) string {
	if !p.thresholds() {
		return ""
	}
	return fmt.Sprintf(" at %.4f", threshold)
}

// writeArray writes predictions, (rows, classes), as a .npy file.
func writeArray(path string, values []float32, classes int) error {
	var b bytes.Buffer
	if err := npy.WriteFloat32(&b, []int{len(values) / classes, classes}, values); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return atomicfile.WriteFile(path, b.Bytes())
}
