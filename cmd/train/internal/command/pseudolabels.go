package command

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/spf13/cobra"
)

// pseudoLabelsVerb adds confident predictions to a table.
func pseudoLabelsVerb() *cobra.Command {
	var f configFlags
	var output string
	cmd := &cobra.Command{
		Use:   "pseudo-labels --config CONFIG.yml CONF PREDICTIONS...",
		Short: "Add confident predictions to a table as labels",
		Long: `pseudo-labels writes a table, and its folds, with added labels: those whose mean
probability over the predictions is at least CONF.

Predictions of test images, level1_test_<model>.npy, add the test images that get
any label as rows, which are always trained on and never held out. Out-of-fold
predictions, level1_train_<model>.npy, add labels to the rows that each fold held
out, where labels are missing. The file <model>.yml must lie beside each.

A multiclass model labels a test image by its most probable class. A regression or
an ordinal model has no probabilities: several predictions label a test image by
their mean if they lie within CONF of each other. These three take predictions of
test images only.

The table is train_conf_<CONF>.csv beside train.csv, its folds are
folds_conf_<CONF>.npy: name both in a config (train.csv, train.folds_file).`,
		Example: `  train pseudo-labels --config small.yml 0.6 runs/small/f*/level1_test_*.npy
  train pseudo-labels --config small.yml 0.9 runs/small/f*/level1_train_*.npy`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := f.project(cmd)
			if err != nil {
				return err
			}
			conf, err := strconv.ParseFloat(args[0], 64)
			if err != nil || !(conf > 0) || conf > 1 && !p.ofValues() {
				return cli.Usagef("CONF %q is not a probability between 0 and 1", args[0])
			}
			return p.pseudoLabels(conf, args[0], args[1:], output)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the table, a `FILE`; its folds get the same name with .npy (default: see above)")
	return cmd
}

// ofValues reports whether predictions are values, not probabilities.
func (p *project) ofValues() bool {
	t := p.config.Model.Task()
	return t == task.Regression || t == task.Ordinal
}

// pseudo is a table in the making, with added labels.
type pseudo struct {
	*project
	*labeltable.Table
	conf  float64
	width int // values of a prediction
	folds []uint8
	added int // labels
}

func (p *project) pseudoLabels(conf float64, confText string, paths []string, output string) error {
	options, err := p.labelOptions()
	if err != nil {
		return err
	}
	table, err := labeltable.Open(p.path(p.config.Train.CSV), options)
	if err != nil {
		return err
	}
	t := &pseudo{project: p, Table: table, conf: conf, width: options.Task.Values(table.Classes)}
	if t.folds, err = p.folds(table.IDs); err != nil {
		return err
	}
	before := len(t.IDs)
	add := t.addTest
	if strings.HasPrefix(filepath.Base(paths[0]), ensemblefile.TrainPrefix) {
		add = t.addHeldOut
	}
	if err := add(paths); err != nil {
		return err
	}
	dir := filepath.Dir(p.path(p.config.Train.CSV))
	csvPath, foldsPath := filepath.Join(dir, "train_conf_"+confText+".csv"), filepath.Join(dir, "folds_conf_"+confText+".npy")
	if output != "" {
		csvPath, foldsPath = output, strings.TrimSuffix(output, filepath.Ext(output))+".npy"
	}
	if err := t.write(csvPath, foldsPath); err != nil {
		return err
	}
	cli.Printf(p.cmd, "%s: %d labels added, %d rows added; the folds are %s", csvPath, t.added, len(t.IDs)-before, foldsPath)
	return nil
}

// addTest adds the test images that have a confident label as rows.
func (t *pseudo) addTest(paths []string) error {
	if t.ofValues() && len(paths) < 2 {
		return cli.Usagef("the predictions of a %s model are compared with each other: name at least two", t.config.Model.Task())
	}
	sample, err := t.testIDs()
	if err != nil {
		return err
	}
	var all [][]float64
	for _, path := range paths {
		values, err := t.read(path, ensemblefile.TestPrefix, len(sample))
		if err != nil {
			return err
		}
		all = append(all, values)
	}
	there := map[string]bool{}
	for _, id := range t.IDs {
		there[id] = true
	}
	rows := make([][]float64, len(paths))
	for i, row := range sample {
		for k, values := range all {
			rows[k] = values[i*t.width:][:t.width]
		}
		if !there[row.id] {
			t.addRow(row.id, rows)
		}
	}
	return nil
}

// addRow adds a row if its predictions, one slice for each file, are confident.
func (t *pseudo) addRow(id string, predictions [][]float64) {
	mean, spread := meanOf(predictions)
	var labels []int
	switch t.config.Model.Task() {
	case task.Regression:
		if spread > t.conf {
			return
		}
		for _, v := range mean {
			t.Values = append(t.Values, float32(v))
		}
		t.added += len(mean)
	case task.Ordinal:
		if spread > t.conf {
			return
		}
		labels = []int{min(max(int(math.Round(mean[0])), 0), t.Classes-1)}
	case task.Multiclass:
		for c, v := range mean {
			if v >= t.conf && (labels == nil || v > mean[labels[0]]) {
				labels = []int{c}
			}
		}
	default:
		labels = t.confident(mean)
	}
	if t.config.Model.Task() != task.Regression {
		if labels == nil {
			return
		}
		t.Labels = append(t.Labels, labels)
		t.added += len(labels)
	}
	t.IDs, t.folds = append(t.IDs, id), append(t.folds, foldfile.Always)
	if t.Groups != nil {
		t.Groups = append(t.Groups, id)
	}
}

// meanOf returns the means of predictions, and the largest difference between two
// predictions of one value.
func meanOf(predictions [][]float64) (mean []float64, spread float64) {
	mean = make([]float64, len(predictions[0]))
	for c := range mean {
		low, high := math.Inf(1), math.Inf(-1)
		for _, p := range predictions {
			mean[c] += p[c] / float64(len(predictions))
			low, high = min(low, p[c]), max(high, p[c])
		}
		spread = max(spread, high-low)
	}
	return mean, spread
}

// addHeldOut adds confident labels to the rows of the table.
func (t *pseudo) addHeldOut(paths []string) error {
	if kind := t.config.Model.Task(); kind != task.Multilabel {
		return hint.New(fmt.Errorf("the rows of a %s table have their label already", kind), "predictions of test images, %s<model>.npy, add rows", ensemblefile.TestPrefix)
	}
	classes := t.width
	sum, count := make([]float64, len(t.IDs)*classes), make([]int, len(t.IDs))
	for _, path := range paths {
		name, err := ensemblefile.ParseName(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		_, held, err := fold.Split(t.folds, name.Fold)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		values, err := t.read(path, ensemblefile.TrainPrefix, len(held))
		if err != nil {
			return err
		}
		for i, row := range held {
			count[row]++
			for c, v := range values[i*classes:][:classes] {
				sum[row*classes+c] += v
			}
		}
	}
	for row, n := range count {
		if n == 0 {
			continue
		}
		scores := sum[row*classes:][:classes]
		for c := range scores {
			scores[c] /= float64(n)
		}
		for _, c := range t.confident(scores) {
			if !slices.Contains(t.Labels[row], c) {
				t.Labels[row] = append(t.Labels[row], c)
				t.added++
			}
		}
		slices.Sort(t.Labels[row])
	}
	return nil
}

// confident lists the classes whose probability is at least CONF.
func (t *pseudo) confident(scores []float64) []int {
	var classes []int
	for c, v := range scores {
		if v >= t.conf {
			classes = append(classes, c)
		}
	}
	return classes
}

// read reads predictions, and adds their threshold to make them probabilities again.
func (t *pseudo) read(path, prefix string, rows int) ([]float64, error) {
	name, ok := strings.CutPrefix(filepath.Base(path), prefix)
	if !ok {
		return nil, fmt.Errorf("%s: predictions of test images and of held-out rows don't mix; this one is no %s*.npy", path, prefix)
	}
	spec := &predictionspec.Spec{}
	if t.thresholds() {
		var err error
		if spec, err = predictionspec.Read(filepath.Join(filepath.Dir(path), strings.TrimSuffix(name, ".npy")+".yml")); err != nil {
			return nil, err
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	values, shape, err := npy.ReadFloat32(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if want := []int{rows, t.width}; !slices.Equal(shape, want) {
		return nil, fmt.Errorf("%s: an array of shape %v, where %v is needed", path, shape, want)
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v) + spec.Threshold
	}
	return out, nil
}

// write writes the table, in the form in which it was read, and its folds.
func (t *pseudo) write(csvPath, foldsPath string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := append([]string{t.IDColumn}, t.LabelColumns...)
	if t.Groups != nil {
		header = append(header, t.config.Labels.Group)
	}
	err := w.Write(header)
	for i, id := range t.IDs {
		record := append([]string{id}, t.Cells(i, t.config.Labels.Separator)...)
		if t.Groups != nil {
			record = append(record, t.Groups[i])
		}
		err = errors.Join(err, w.Write(record))
	}
	w.Flush()
	if err = errors.Join(err, w.Error()); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(csvPath, b.Bytes()); err != nil {
		return err
	}
	return foldfile.Write(foldsPath, t.folds)
}
