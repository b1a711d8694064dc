package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
)

// Generated kernels name an architecture by its variable.
func TestVariablesHaveTheNamesInTheSource(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]string{} // the architecture of each variable
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, value := range spec.Values {
				if name, ok := archName(value); ok {
					declared[spec.Names[i].Name] = name
				}
			}
			return false
		})
	}
	for _, v := range arch.Variables() {
		if declared[v.Name] != v.Arch.Name {
			t.Errorf("the variable %s holds %q, not %q", v.Name, declared[v.Name], v.Arch.Name)
		}
		delete(declared, v.Name)
	}
	for name := range declared {
		t.Errorf("Variables lacks %s", name)
	}
}

// archName returns the first string of a composite literal of type Arch, its name.
func archName(e ast.Expr) (name string, ok bool) {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return "", false
	}
	if typ, isIdent := lit.Type.(*ast.Ident); !isIdent || typ.Name != "Arch" {
		return "", false
	}
	for _, element := range lit.Elts {
		if kv, isField := element.(*ast.KeyValueExpr); isField {
			element = kv.Value
		}
		if text, isText := element.(*ast.BasicLit); isText && text.Kind == token.STRING {
			name, err := strconv.Unquote(text.Value)
			return name, err == nil
		}
	}
	return "", false
}
