package print

import (
	"bytes"
	"crypto/sha256"
	"go/ast"
	"go/constant"
	"go/format"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

func TestLongStringsAreFormattedAndWhole(t *testing.T) {
	random := strings.Builder{}
	for sum := sha256.Sum256(nil); random.Len() < 700_000; sum = sha256.Sum256(sum[:]) {
		random.Write(sum[:])
	}
	for _, s := range []string{
		random.String(), random.String()[:apartBytes], strings.Repeat("a `line` of text\n", 9000),
		strings.Repeat("x", 300_000), strings.Repeat("äöü\x00", 50_000), strings.Repeat("`\n", 70_000),
	} {
		l := &literals{mark: "mark0-"}
		skeleton := "package p\n\nvar v = []byte(" + l.text(s) + ")\n\nvar f = []file{\n\t{name: \"x\", data: " + l.text(s) + "},\n}\n"
		source, err := l.fill([]byte(skeleton))
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(formatted, source) {
			t.Errorf("%d bytes: not gofmt-clean", len(s))
		}
		f, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
		if err != nil {
			t.Fatal(err)
		}
		call := f.Decls[0].(*ast.GenDecl).Specs[0].(*ast.ValueSpec).Values[0].(*ast.CallExpr)
		if got := sumOf(t, call.Args[0]); got != s {
			t.Errorf("%d bytes became %d others", len(s), len(got))
		}
	}
}

// sumOf evaluates a sum of strings.
func sumOf(t *testing.T, e ast.Expr) string {
	t.Helper()
	var b strings.Builder
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			b.WriteString(constant.StringVal(constant.MakeFromLiteral(lit.Value, token.STRING, 0)))
		}
		return true
	})
	return b.String()
}
