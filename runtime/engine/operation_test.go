package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
)

// Code generators name the variables by what OperationVariables says.
func TestOperationsHaveTheNamesOfTheirVariables(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.CompositeLit); ok {
				if typ, ok := lit.Type.(*ast.Ident); ok && typ.Name == "Operation" {
					variables[spec.Names[0].Name] = true
				}
			}
			return true
		})
	}
	for _, v := range engine.OperationVariables() {
		if !variables[v.Name] {
			t.Errorf("%s is no variable", v.Name)
		}
		delete(variables, v.Name)
	}
	if len(variables) > 0 {
		t.Errorf("OperationVariables lacks %v", variables)
	}
}

// The needed operations compile a network, and none of them can be left out.
func TestNetworksCompileWithTheNeededOperations(t *testing.T) {
	for _, a := range []arch.Arch{arch.CIFARResNet20, arch.CBAMResNet50} {
		g, err := a.Build(arch.Config{InputSize: 64, Classes: 3})
		if err != nil {
			t.Fatal(err)
		}
		names := engine.Needed(g)
		var needed []engine.Operation
		for _, v := range engine.OperationVariables() {
			if slices.Contains(names, v.Name) {
				needed = append(needed, v.Operation)
			}
		}
		params := golden.ParamsOf(g)
		images := golden.NHWC(golden.Images(1, 64, 64, golden.Cell), 1, 3, 64, 64)
		want := predict(t, g, params, images, engine.Options{})
		e, err := engine.CompileWith(needed, g, params, engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(want))
		if err := e.Predict(t.Context(), images, got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v (%v)", a.Name, got, want, err)
		}
		for i := range needed {
			rest := slices.Delete(slices.Clone(needed), i, i+1)
			if _, err := engine.CompileWith(rest, g, params, engine.Options{}); err == nil || !strings.Contains(err.Error(), "the program contains no code for ") {
				t.Errorf("%s without %s: %v", a.Name, names[i], err)
			}
		}
	}
}
