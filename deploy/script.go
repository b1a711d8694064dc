package deploy

import (
	"path/filepath"
	"slices"

	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// writeScript writes kernel.py and the metadata of the kernel and of all datasets.
// It returns the manifest of the folder.
func writeScript(o Options, p *ensemble.Plan, source []byte, program program, datasets []folder.Dataset, draft *folder.Draft) (*folder.Manifest, error) {
	first := o.publisher().dataset(folder.Program, "program", o.PublicProgram)
	first.Files = []folder.File{program.File}
	datasets = append([]folder.Dataset{first}, datasets...)
	if err := o.publisher().writeMetadata(datasets, draft); err != nil {
		return nil, err
	}
	text, err := templates.Launcher{
		Title: o.Title, Program: program.Name, Dataset: first.ID, SHA256: program.SHA256, Size: program.Size,
		Source: source, GoVersion: deploykernel.GoVersion,
	}.Python()
	if err != nil {
		return nil, err
	}
	script, err := draft.Write(folder.KernelPy, text)
	if err != nil {
		return nil, err
	}
	kernel := templates.Kernel{
		Owner: o.Owner, Title: o.Title, Script: folder.KernelPy,
		Visibility: o.PublicKernel, HoldsKey: o.KeyPlace == folder.InKernel,
		Datasets: slices.Clone(o.Datasets), Competitions: o.Competitions,
	}
	for _, d := range datasets {
		kernel.Datasets = append(kernel.Datasets, d.ID)
	}
	metadata, err := kernel.JSON()
	if err != nil {
		return nil, err
	}
	if _, err := draft.Write(folder.KernelMetadata, metadata); err != nil {
		return nil, err
	}
	m := &folder.Manifest{
		Ensemble: p.Name, EnsembleFile: relative(o.Output, o.Ensemble), Score: p.Score, Classes: p.Classes,
		Task: p.Task.String(), ClassNames: p.ClassNames, Metric: p.Metric, Submission: p.Submission.String(), Sample: p.Sample,
		Kernel: kernel.ID(), Public: o.PublicKernel == templates.Public, KeyIn: o.KeyPlace.String(), Competitions: o.Competitions,
		Source: folder.Describe(folder.KernelGo, source), Script: script, Datasets: datasets,
	}
	m.SetTraining(p.Training)
	if p.Form.Decided() {
		m.Form = &p.Form
	}
	if o.Limit > 0 {
		m.TimeLimit = o.Limit.String()
	}
	return m, nil
}

// publisher names and describes datasets.
type publisher struct {
	owner, title, licence string
	keyInProgram          bool
}

func (o Options) publisher() publisher {
	return publisher{owner: o.Owner, title: o.Title, licence: o.Licence, keyInProgram: o.KeyPlace == folder.InKernel}
}

// dataset returns a dataset without files. The title says what it holds.
func (p publisher) dataset(dir, what string, v templates.Visibility) folder.Dataset {
	d := templates.Dataset{Owner: p.owner, Title: templates.DatasetTitle(p.title, what)}
	return folder.Dataset{Folder: dir, ID: d.ID(), Title: d.Title, Public: v == templates.Public}
}

// writeMetadata writes the dataset-metadata.json of each dataset.
func (p publisher) writeMetadata(datasets []folder.Dataset, draft *folder.Draft) error {
	for _, d := range datasets {
		text, err := templates.Dataset{
			Owner: p.owner, Title: d.Title, Licence: p.licence,
			Visibility: templates.Visibility(d.Public),
			HoldsKey:   d.Folder == folder.Key || d.Folder == folder.Program && p.keyInProgram,
			Files:      d.Names(),
		}.JSON()
		if err != nil {
			return err
		}
		if _, err := draft.Write(filepath.Join(d.Folder, folder.DatasetMetadata), text); err != nil {
			return err
		}
	}
	return nil
}

// relative returns the path of a file as seen from dir, or the path itself.
func relative(dir, file string) string {
	a, err := filepath.Abs(dir)
	if err != nil {
		return file
	}
	b, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	rel, err := filepath.Rel(a, b)
	if err != nil {
		return b
	}
	return filepath.ToSlash(rel)
}
