package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// metadata writes the script and what Kaggle's client reads.
func (s *state) metadata(context.Context) error {
	program := s.dataset(programFolder, "program", s.PublicProgram)
	program.Files = []File{s.program}
	s.datasets = append([]Dataset{program}, s.datasets...)
	if err := s.datasetsMetadata(); err != nil {
		return err
	}
	version, err := goVersion()
	if err != nil {
		return err
	}
	script, err := templates.Launcher{
		Title: s.Title, Program: s.program.Name, Dataset: program.ID, SHA256: s.program.SHA256, Size: s.program.Size,
		Source: s.source, GoVersion: version, Experiment: s.Target.Experiment(),
	}.Python()
	if err != nil {
		return err
	}
	if err := s.write(KernelPy, script); err != nil {
		return err
	}
	s.script = templates.Kernel{
		Owner: s.Owner, Title: s.Title, Script: KernelPy,
		Visibility: s.PublicKernel, HoldsKey: s.KeyPlace == InKernel,
		Datasets: slices.Clone(s.Datasets), Competitions: s.Competitions,
	}
	for _, d := range s.datasets {
		s.script.Datasets = append(s.script.Datasets, d.ID)
	}
	b, err := s.script.JSON()
	if err != nil {
		return err
	}
	s.scriptFile = describe(KernelPy, script)
	return s.write(kernelMetadata, b)
}

// datasetsMetadata writes what the client reads of each dataset.
func (s *state) datasetsMetadata() error {
	for _, d := range s.datasets {
		b, err := templates.Dataset{
			Owner: s.Owner, Title: d.Title, Licence: s.Licence,
			Visibility: templates.Visibility(d.Public),
			HoldsKey:   d.Folder == keyFolder || d.Folder == programFolder && s.KeyPlace == InKernel,
			Files:      names(d.Files),
		}.JSON()
		if err != nil {
			return err
		}
		if err := s.write(filepath.Join(d.Folder, datasetMetadata), b); err != nil {
			return err
		}
	}
	return nil
}

func names(files []File) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = f.Name
	}
	return all
}

func describe(name string, b []byte) File {
	sum := sha256.Sum256(b)
	return File{Name: name, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
}

func (s *state) manifest() *Manifest {
	p := s.built.Plan
	m := &Manifest{
		Version: manifestVersion, Ensemble: p.Name, EnsembleFile: relative(s.Output, s.Ensemble), Score: p.Score, Classes: p.Classes,
		Submission: p.Submission.String(), Sample: p.Sample,
		Kernel: s.script.ID(), Public: s.PublicKernel == templates.Public, KeyIn: s.KeyPlace.String(), Competitions: s.Competitions,
		Source: describe(KernelGo, s.source), Script: s.scriptFile, Datasets: s.datasets,
	}
	switch p.Training {
	case input.OneLabel:
		m.Training = oneLabel
	case input.SeveralLabels:
		m.Training = severalLabels
	}
	if s.Limit > 0 {
		m.TimeLimit = s.Limit.String()
	}
	return m
}

// relative returns the path of a file as seen from a folder, or the path itself.
func relative(folder, file string) string {
	a, err := filepath.Abs(folder)
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
