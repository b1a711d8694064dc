package templates

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/dave/jennifer/jen"
	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

const (
	archPath    = deploykernel.Path + "/runtime/arch"
	commandPath = deploykernel.Path + "/runtime/ensemble/command"
	visionPath  = deploykernel.Path + "/runtime/vision"
)

// MainOptions is what a generated main holds beside its plan.
type MainOptions struct {
	// Key is the text form of the key that the weights are encrypted under; ""
	// where the kernel looks for a key when it runs, or needs none.
	Key string
	// Formats names the image formats that the kernel decodes. Each is the name
	// of a package below runtime/vision.
	Formats []string
}

// Main returns the source of a main package that predicts plan. It names only
// the architectures that the plan uses and the formats of o, so that a bundler
// drops the others.
func Main(plan *ensemble.Plan, o MainOptions) ([]byte, error) {
	names, err := archVariables()
	if err != nil {
		return nil, err
	}
	var archs []jen.Code
	seen := map[string]bool{}
	for _, m := range plan.Models {
		if seen[m.Arch] {
			continue
		}
		seen[m.Arch] = true
		variable, ok := names[m.Arch]
		if !ok {
			return nil, fmt.Errorf("generating the kernel: model %s: there is no architecture %q", m.Name, m.Arch)
		}
		archs = append(archs, jen.Line().Qual(archPath, variable))
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

// archVariables maps the architectures' names to the names of their Go
// variables, as the sources of runtime/arch declare them:
//
//	var CIFARResNet20 = Arch{"cifar_resnet20", …}
//	var SEResNeXt50 = Arch{Name: "seresnext50_32x4d", …}
func archVariables() (map[string]string, error) {
	files, err := fs.Glob(deploykernel.Sources(), "runtime/arch/*.go")
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, name := range files {
		src, err := fs.ReadFile(deploykernel.Sources(), name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path.Base(name), src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
				for _, spec := range d.Specs {
					addArchs(names, spec.(*ast.ValueSpec))
				}
			}
		}
	}
	return names, nil
}

func addArchs(names map[string]string, spec *ast.ValueSpec) {
	for i, value := range spec.Values {
		lit, ok := value.(*ast.CompositeLit)
		if !ok || len(lit.Elts) == 0 {
			continue
		}
		if typ, ok := lit.Type.(*ast.Ident); !ok || typ.Name != "Arch" {
			continue
		}
		first := lit.Elts[0]
		if j := slices.IndexFunc(lit.Elts, isNameField); j >= 0 {
			first = lit.Elts[j].(*ast.KeyValueExpr).Value
		}
		if text, ok := first.(*ast.BasicLit); ok && text.Kind == token.STRING {
			if name, err := strconv.Unquote(text.Value); err == nil {
				names[name] = spec.Names[i].Name
			}
		}
	}
}

func isNameField(e ast.Expr) bool {
	kv, ok := e.(*ast.KeyValueExpr)
	if !ok {
		return false
	}
	key, ok := kv.Key.(*ast.Ident)
	return ok && key.Name == "Name"
}
