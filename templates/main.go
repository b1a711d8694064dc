package templates

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

const (
	archPath    = deploykernel.Path + "/runtime/arch"
	enginePath  = deploykernel.Path + "/runtime/engine"
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
// architectures of the plan, the operations that their networks need and the formats of
// o, so a bundler drops the others.
func Main(plan *ensemble.Plan, o MainOptions) ([]byte, error) {
	var archs []jen.Code
	seen, needed := map[string]bool{}, map[string]bool{}
	for _, m := range plan.Models {
		a, g, err := archOf(&m, o.Archs)
		if err != nil {
			return nil, fmt.Errorf("generating the kernel: model %s: %w", m.Name, err)
		}
		for _, name := range engine.Needed(g) {
			needed[name] = true
		}
		if !seen[m.Arch] {
			seen[m.Arch] = true
			archs = append(archs, jen.Line().Add(a))
		}
	}
	var operations []jen.Code
	for _, v := range engine.OperationVariables() {
		if needed[v.Name] {
			operations = append(operations, jen.Line().Qual(enginePath, v.Name))
		}
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
	f.Comment("operations are what the networks compute with.")
	f.Var().Id("operations").Op("=").Index().Qual(enginePath, "Operation").Values(append(operations, jen.Line())...)
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
		jen.Qual(commandPath, "Main").Call(jen.Id("plan"), jen.Id("archs"), jen.Id("operations"), jen.Id("formats"), jen.Id("key")),
	)
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("generating the kernel: %w", err)
	}
	return b.Bytes(), nil
}

// archOf returns the expression of a model's architecture, and the model's network. An
// imported one is the text of its graph.
func archOf(m *ensemble.Model, archs []arch.Arch) (jen.Code, *nn.Graph, error) {
	if v, ok := variableOf(m.Arch); ok {
		g, err := v.Arch.Build(m.Config())
		return jen.Qual(archPath, v.Name), g, err
	}
	if !arch.IsImported(m.Arch) {
		return nil, nil, fmt.Errorf("there is no architecture %q", m.Arch)
	}
	a, err := arch.Find(archs, m.Arch)
	if err != nil {
		return nil, nil, err
	}
	g, err := a.Build(m.Config())
	if err != nil {
		return nil, nil, err
	}
	text := g.Text()
	literal := jen.Lit(text)
	if !strings.Contains(text, "`") {
		literal = jen.Op("`" + text + "`")
	}
	return jen.Qual(archPath, "Imported").Call(literal), g, nil
}

// variableOf returns the Go variable of an architecture.
func variableOf(name string) (arch.Variable, bool) {
	for _, v := range arch.Variables() {
		if v.Arch.Name == name {
			return v, true
		}
	}
	return arch.Variable{}, false
}
