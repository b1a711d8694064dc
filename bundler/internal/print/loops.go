package print

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/names"
)

// rewriteLoops adds the edits for the loops of a part. Inner loops come first, because
// the init statement of an outer loop can contain them.
func (w *partWriter) rewriteLoops() {
	for _, l := range slices.Backward(names.FindLoops(w.t)) {
		label := w.relabel(l)
		switch s := l.Stmt.(type) {
		case *ast.ForStmt:
			init := w.apply(s.Init.Pos(), s.Init.End())
			w.insert(l.Pos(), "{\n"+init+"\n"+label)
			w.replace(s.Init.Pos(), s.Init.End(), "")
		case *ast.RangeStmt:
			head := "{\n"
			if l.Hoist {
				name := w.names.Fresh("ranged")
				head += name + " := " + w.apply(s.X.Pos(), s.X.End()) + "\n"
				w.replace(s.X.Pos(), s.X.End(), name)
			}
			w.insert(l.Pos(), head+w.declare(l)+label)
			w.replace(s.TokPos, s.TokPos+token.Pos(len(":=")), "=")
		}
		w.insert(l.Stmt.End(), "\n}")
	}
}

// relabel returns the new label of a loop, with a colon. The loop needs one if a goto
// and a break or continue use the old label.
func (w *partWriter) relabel(l *names.Loop) string {
	if !l.Target || len(l.Jumps) == 0 {
		return ""
	}
	name := w.names.Fresh(l.Label.Label.Name)
	for _, id := range l.Jumps {
		w.replace(id.Pos(), id.End(), name)
	}
	return name + ":\n"
}

// declare returns the declarations of a range loop's variables. They are one statement
// if the name of the first variable would hide the type of the second.
func (w *partWriter) declare(l *names.Loop) string {
	var text strings.Builder
	var idents, zeros []string
	hides := false
	for i, v := range l.Vars {
		name, typ := w.apply(v.Ident.Pos(), v.Ident.End()), w.names.TypeText(v.Typ)
		fmt.Fprintf(&text, "var %s %s\n", name, typ)
		idents, zeros = append(idents, name), append(zeros, "_ "+typ)
		names.TypeObjects(v.Typ, func(o types.Object) {
			first, _, _ := strings.Cut(w.names.ObjectText(o), ".") // the name of a type or of its import
			hides = hides || i > 0 && first == idents[0]
		})
	}
	if hides {
		return fmt.Sprintf("%s := func() (%s) { return }()\n", strings.Join(idents, ", "), strings.Join(zeros, ", "))
	}
	return text.String()
}
