package templates

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

const (
	archPath    = deploykernel.Path + "/runtime/arch"
	commandPath = deploykernel.Path + "/runtime/ensemble/command"
	visionPath  = deploykernel.Path + "/runtime/vision"
)

// MainOptions says what a generated main package holds beside its plan.
type MainOptions struct {
	// Key is the text form of the weights' key. If it is "", the kernel looks for a
	// key when it runs, or needs none.
	Key string
	// Archs holds the architectures of the plan. Those of package arch may be left out.
	Archs []arch.Arch
	// Formats names the image formats that the kernel decodes. Each is the name of a
	// package below runtime/vision.
	Formats []string
}

// Main returns the source of a main package that predicts plan. It names only the
// architectures of the plan and the formats of o, so a bundler drops the others.
func Main(plan *ensemble.Plan, o MainOptions) ([]byte, error) {
	var archs []jen.Code
	seen := map[string]bool{}
	for _, m := range plan.Models {
		if seen[m.Arch] {
			continue
		}
		seen[m.Arch] = true
		a, err := archOf(&m, o.Archs)
		if err != nil {
			return nil, fmt.Errorf("generating the kernel: model %s: %w", m.Name, err)
		}
		archs = append(archs, jen.Line().Add(a))
	}
	literal, err := valueOf(plan)
	if err != nil {
		return nil, fmt.Errorf("generating the kernel: %w", err)
	}
	f := jen.NewFile("main")
	f.PackageComment("Command kernel predicts the ensemble " + plan.Name + ".")
	f.Comment("plan is the ensemble: its networks, coefficients and weights.")
	f.Var().Id("plan").Op("=").Add(literal)
	f.Comment("archs are the networks' architectures.")
	f.Var().Id("archs").Op("=").Index().Qual(archPath, "Arch").Values(append(archs, jen.Line())...)
	f.Comment("formats are the image formats that are decoded.")
	var formats []jen.Code
	for _, name := range o.Formats {
		formats = append(formats, jen.Line().Qual(visionPath+"/"+name, "Format"))
	}
	f.Var().Id("formats").Op("=").Index().Qual(visionPath, "Format").Values(append(formats, jen.Line())...)
	if o.Key == "" {
		f.Comment("key is empty: the key, where one is needed, is found when the kernel runs.")
	} else {
		f.Comment("key opens the weights. Whoever reads this file has it: keep the file private.")
	}
	f.Const().Id("key").Op("=").Lit(o.Key)
	f.Func().Id("main").Params().Block(
		jen.Qual(commandPath, "Main").Call(jen.Id("plan"), jen.Id("archs"), jen.Id("formats"), jen.Id("key")),
	)
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("generating the kernel: %w", err)
	}
	return b.Bytes(), nil
}

// archOf returns the expression of a model's architecture. An imported one is the text
// of its graph.
func archOf(m *ensemble.Model, archs []arch.Arch) (jen.Code, error) {
	if !arch.IsImported(m.Arch) {
		variable, ok := variableOf(m.Arch)
		if !ok {
			return nil, fmt.Errorf("there is no architecture %q", m.Arch)
		}
		return jen.Qual(archPath, variable), nil
	}
	a, err := arch.Find(archs, m.Arch)
	if err != nil {
		return nil, err
	}
	g, err := a.Build(m.Config())
	if err != nil {
		return nil, err
	}
	text := g.Text()
	literal := jen.Lit(text)
	if !strings.Contains(text, "`") {
		literal = jen.Op("`" + text + "`")
	}
	return jen.Qual(archPath, "Imported").Call(literal), nil
}

// variableOf returns the name of the Go variable of an architecture.
func variableOf(name string) (string, bool) {
	for _, v := range arch.Variables() {
		if v.Arch.Name == name {
			return v.Name, true
		}
	}
	return "", false
}
