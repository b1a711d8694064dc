// Package oof finds and reads out-of-fold predictions. A model has one file
// level1_train_<config>_f<fold>_e<epoch>_<score>.npy per fold. It holds the rows of
// that fold in the order of the table.
//
//	truth, err := oof.ReadTruth("train.csv", "folds.npy")
//	model, err := oof.Find("models/level1_train_2b_f0_e14_0.5975.npy", truth.Folds)
//	set, err := oof.Open(truth, []oof.Model{model})
//	err = set.Read(ctx, fold, func(b oof.Block) error { … })
//
// It reads one block of rows of all models at a time, so memory does not grow with
// the files. Their elements may be f2, f4 or f8.
//
// It refuses a model with no file or several files for a fold, files whose rows or
// classes do not match the fold and the other files, and values that are not finite.
package oof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
)

// Model names a model and its predictions.
type Model struct {
	// Name is the name of the model's config, e.g. 2b_se_resnext50.
	Name string
	// Files holds the path of the predictions of each fold.
	Files []string
}

// Member returns the model as a member of an ensemble file.
func (m Model) Member(coefficient float64) ensemblefile.Member {
	e := ensemblefile.Member{Coefficient: coefficient}
	for _, f := range m.Files {
		e.Predicts = append(e.Predicts, filepath.Base(f))
	}
	return e
}

// Find returns the model that has the predictions at path. It looks for the
// predictions of the other folds in the same folder; each fold must have exactly one
// file.
func Find(path string, folds int) (Model, error) {
	name, err := ensemblefile.ParseName(path)
	if err != nil {
		return Model{}, err
	}
	if base := filepath.Base(path); !strings.HasPrefix(base, ensemblefile.TrainPrefix) || filepath.Ext(base) != ".npy" {
		return Model{}, fmt.Errorf("%s: out-of-fold predictions are named %s<config>_f<fold>_e<epoch>_<score>.npy", path, ensemblefile.TrainPrefix)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return Model{}, err
	}
	byFold := make([][]string, folds)
	known := false
	for _, e := range entries {
		file := filepath.Join(filepath.Dir(path), e.Name())
		if !strings.HasPrefix(e.Name(), ensemblefile.TrainPrefix) || filepath.Ext(file) != ".npy" {
			continue
		}
		n, err := ensemblefile.ParseName(file)
		if err != nil || n.Config != name.Config {
			continue
		}
		if n.Fold >= folds {
			return Model{}, fmt.Errorf("%s: fold %d, but the table has %d folds, 0 to %d", file, n.Fold, folds, folds-1)
		}
		byFold[n.Fold] = append(byFold[n.Fold], file)
		known = known || e.Name() == filepath.Base(path)
	}
	if !known {
		return Model{}, fmt.Errorf("%s: no such file", path)
	}
	return oneEach(name.Config, byFold)
}

// oneEach returns the model with the given files, or an error unless every fold has
// exactly one.
func oneEach(name string, byFold [][]string) (Model, error) {
	m := Model{Name: name}
	var errs []error
	for fold, files := range byFold {
		switch len(files) {
		case 0:
			errs = append(errs, hint.New(fmt.Errorf("%s: no predictions of fold %d in %s", name, fold, filepath.Dir(firstOf(byFold))),
				"train --predict-oof writes them"))
		case 1:
			m.Files = append(m.Files, files[0])
		default:
			slices.Sort(files)
			errs = append(errs, hint.New(fmt.Errorf("%s: %d predictions of fold %d, but one is needed: %s", name, len(files), fold, strings.Join(files, ", ")),
				"move the others to another folder"))
		}
	}
	return m, errors.Join(errs...)
}

func firstOf(byFold [][]string) string {
	for _, files := range byFold {
		if len(files) > 0 {
			return files[0]
		}
	}
	return ""
}

// FindAll is [Find] for many paths. Paths of one model in one folder count once. The
// error joins the errors of all paths.
func FindAll(paths []string, folds int) ([]Model, error) {
	var models []Model
	var errs []error
	seen := map[string]string{} // config to folder
	for _, p := range paths {
		n, err := ensemblefile.ParseName(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		folder := filepath.Dir(p)
		if first, ok := seen[n.Config]; ok {
			if first != folder {
				errs = append(errs, fmt.Errorf("%s: %s was already named in %s", p, n.Config, first))
			}
			continue
		}
		seen[n.Config] = folder
		m, err := Find(p, folds)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		models = append(models, m)
	}
	return models, errors.Join(errs...)
}

// Members returns the models of an ensemble file and their coefficients. The
// predictions lie in folder.
func Members(members []ensemblefile.Member, folder string, folds int) ([]Model, []float64, error) {
	var models []Model
	var coefficients []float64
	var errs []error
	for _, member := range members {
		names, err := member.Names()
		if err != nil {
			return nil, nil, err
		}
		byFold := make([][]string, folds)
		for i, n := range names {
			path := filepath.Join(folder, filepath.Base(member.Predicts[i]))
			if n.Fold >= folds {
				errs = append(errs, fmt.Errorf("%s: fold %d, but the table has %d folds, 0 to %d", path, n.Fold, folds, folds-1))
				continue
			}
			byFold[n.Fold] = append(byFold[n.Fold], path)
		}
		m, err := oneEach(names[0].Config, byFold)
		errs = append(errs, err)
		models, coefficients = append(models, m), append(coefficients, member.Coefficient)
	}
	return models, coefficients, errors.Join(errs...)
}
