package command

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
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
out, where labels are missing. The threshold <model>.yml must lie beside each.

The table is train_conf_<CONF>.csv beside train.csv, its folds are
folds_conf_<CONF>.npy: name both in a config (train.csv, train.folds_file).`,
		Example: `  train pseudo-labels --config small.yml 0.6 runs/small/f*/level1_test_*.npy
  train pseudo-labels --config small.yml 0.9 runs/small/f*/level1_train_*.npy`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := strconv.ParseFloat(args[0], 64)
			if err != nil || !(conf > 0 && conf <= 1) {
				return cli.Usagef("CONF %q is not a probability between 0 and 1", args[0])
			}
			p, err := f.project(cmd)
			if err != nil {
				return err
			}
			return p.pseudoLabels(conf, args[0], args[1:], output)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the table, a `FILE`; its folds get the same name with .npy (default: see above)")
	return cmd
}

// pseudo is a table in the making, with added labels.
type pseudo struct {
	*project
	conf   float64
	header [2]string
	ids    []string
	labels [][]int
	folds  []uint8
	added  int // labels
}

func (p *project) pseudoLabels(conf float64, confText string, paths []string, output string) error {
	table, err := input.ReadTableFile(p.path(p.config.Train.CSV))
	if err != nil {
		return err
	}
	t := &pseudo{project: p, conf: conf, header: table.Columns, ids: table.IDs()}
	for i := range table.Rows {
		labels, err := table.Classes(i, p.config.Model.NumClasses)
		if err != nil {
			return err
		}
		t.labels = append(t.labels, labels)
	}
	if t.folds, err = p.folds(len(t.ids)); err != nil {
		return err
	}
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
	cli.Printf(p.cmd, "%s: %d labels added, %d rows added; the folds are %s", csvPath, t.added, len(t.ids)-len(table.Rows), foldsPath)
	return nil
}

// addTest adds the test images that have a confident label as rows.
func (t *pseudo) addTest(paths []string) error {
	sample, err := input.ReadTableFile(t.path(t.config.Test.CSV))
	if err != nil {
		return err
	}
	classes := t.config.Model.NumClasses
	mean := make([]float64, len(sample.Rows)*classes)
	for _, path := range paths {
		values, err := t.read(path, ensemblefile.TestPrefix, len(sample.Rows))
		if err != nil {
			return err
		}
		for i, v := range values {
			mean[i] += v / float64(len(paths))
		}
	}
	there := map[string]bool{}
	for _, id := range t.ids {
		there[id] = true
	}
	for i, row := range sample.Rows {
		labels := t.confident(mean[i*classes:][:classes])
		if len(labels) == 0 || there[row.ID] {
			continue
		}
		t.ids, t.labels, t.folds = append(t.ids, row.ID), append(t.labels, labels), append(t.folds, foldfile.Always)
		t.added += len(labels)
	}
	return nil
}

// addHeldOut adds confident labels to the rows of the table.
func (t *pseudo) addHeldOut(paths []string) error {
	classes := t.config.Model.NumClasses
	sum, count := make([]float64, len(t.ids)*classes), make([]int, len(t.ids))
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
			if !slices.Contains(t.labels[row], c) {
				t.labels[row] = append(t.labels[row], c)
				t.added++
			}
		}
		slices.Sort(t.labels[row])
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
	threshold, err := readThreshold(filepath.Join(filepath.Dir(path), strings.TrimSuffix(name, ".npy")+".yml"))
	if err != nil {
		return nil, err
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
	if want := []int{rows, t.config.Model.NumClasses}; !slices.Equal(shape, want) {
		return nil, fmt.Errorf("%s: an array of shape %v, where %v is needed", path, shape, want)
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v) + threshold
	}
	return out, nil
}

// write writes the table and its folds.
func (t *pseudo) write(csvPath, foldsPath string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.Write(t.header[:])
	for i, id := range t.ids {
		err = errors.Join(err, w.Write([]string{id, strings.Trim(fmt.Sprint(t.labels[i]), "[]")}))
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
