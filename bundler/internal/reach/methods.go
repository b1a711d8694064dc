package reach

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"runtime"
	"strings"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// Methods that only dynamic calls reach are kept by the rule of gc's linker
// (cmd/link/internal/ld/deadcode.go). A method is live if its type is converted to
// an interface type and a live interface type has a method of its name. All
// interface types in the sources of needed standard library packages count as live,
// because their code isn't analyzed. If the program or one of these packages looks
// methods up by reflection, all exported methods of converted types are live.

// converted holds the types that are converted to interface types, and the names of
// the methods of interface types.
type converted struct {
	types    map[types.Type]bool  // all, with unnamed types
	order    []*types.Named       // the declared types of the program among them
	names    map[string]bool      // MethodKeys of the methods of live interface types
	seen     map[*types.Func]bool // methods found live by this rule
	shown    map[types.Type]bool
	shows    []types.Type // keys of shown, in order
	reflects bool
}

func newConverted() *converted {
	return &converted{types: map[types.Type]bool{}, names: map[string]bool{}, seen: map[*types.Func]bool{}, shown: map[types.Type]bool{}}
}

// addInterface adds the methods of an interface type. It ignores other types.
func (f *converted) addInterface(t types.Type) {
	if t == nil {
		return
	}
	face, ok := t.Underlying().(*types.Interface)
	if !ok {
		return
	}
	for i := range face.NumExplicitMethods() {
		f.names[MethodKey(face.ExplicitMethod(i))] = true
	}
}

// MethodKey returns the name of a method, with the path of the package if it is
// unexported. Methods with equal keys implement each other.
func MethodKey(m *types.Func) string {
	if m.Exported() || m.Pkg() == nil {
		return m.Name()
	}
	return m.Pkg().Path() + "." + m.Name()
}

// reflectUse notes the use of a method that finds methods at run time: of package
// reflect, or of an interface that reflect.Type implements.
func (f *converted) reflectUse(o types.Object) {
	switch o.Name() {
	case "Method", "MethodByName", "Methods":
	default:
		return
	}
	if o.Pkg() != nil && o.Pkg().Path() == "reflect" {
		f.reflects = true
	}
	for v := range o.(*types.Func).Signature().Results().Variables() {
		if named, ok := types.Unalias(v.Type()).(*types.Named); ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "reflect" {
			f.reflects = true
		}
	}
}

// markConverted notes that values of type t can be converted to an interface type,
// and the values of all types that reflection can come to from t.
func (r *reacher) markConverted(t types.Type) {
	f := r.converted
	t = types.Unalias(t)
	if t == nil || f.types[t] {
		return
	}
	f.types[t] = true
	switch t := t.(type) {
	case *types.Named:
		for i := range t.TypeArgs().Len() {
			r.markConverted(t.TypeArgs().At(i))
		}
		if o := t.Origin(); o != t {
			r.markConverted(o)
			return
		}
		if r.p.InProgram(t.Obj()) {
			f.order = append(f.order, t)
			r.need(t.Obj())
			r.markConverted(t.Underlying())
		}
	case *types.Pointer:
		r.markConverted(t.Elem())
	case *types.Slice:
		r.markConverted(t.Elem())
	case *types.Array:
		r.markConverted(t.Elem())
	case *types.Chan:
		r.markConverted(t.Elem())
	case *types.Map:
		r.markConverted(t.Key())
		r.markConverted(t.Elem())
	case *types.Struct:
		for i := range t.NumFields() {
			r.markConverted(t.Field(i).Type())
		}
	case *types.Signature:
		r.markTuple(t.Params())
		r.markTuple(t.Results())
	case *types.Tuple:
		r.markTuple(t)
	}
}

func (r *reacher) markTuple(t *types.Tuple) {
	for i := range t.Len() {
		r.markConverted(t.At(i).Type())
	}
}

// markMethods marks methods that have become callable through interfaces. It reports
// whether there are any, or parts in the queue.
func (r *reacher) markMethods() bool {
	f := r.converted
	all := f.reflects || r.std.reflects != ""
	found := false
	for i := 0; i < len(f.order); i++ {
		t := f.order[i]
		for j := range t.NumMethods() {
			m := t.Method(j)
			if f.seen[m] || !r.callable(m, all) {
				continue
			}
			f.seen[m], found = true, true
			if all && m.Exported() {
				r.markTuple(m.Signature().Params())
				r.markTuple(m.Signature().Results())
			}
			if part := r.p.PartOf(m); part != nil && r.marked[part] == nil {
				why := source.Describe(t.Obj()) + " in an interface"
				if source.IsPull(part.Func()) {
					r.refused = append(r.refused, source.Missing{Part: part, Why: why})
				}
				r.mark(part, why)
			}
		}
	}
	return found || len(r.queue) > 0
}

// callable reports whether a method of a converted type can be called dynamically. If
// all, every exported method can.
func (r *reacher) callable(m *types.Func, all bool) bool {
	if !m.Exported() {
		return r.converted.names[MethodKey(m)]
	}
	return all || r.converted.names[m.Name()] || r.std.methods[m.Name()]
}

// stdFacts holds what the sources of the standard library say of methods. The
// compiler's export data lacks interface types inside functions.
type stdFacts struct {
	p        *source.Program
	facts    map[string]*methodFacts
	linked   map[string]bool // paths of packages that live parts need
	methods  map[string]bool // names of methods of interface types in these packages
	reflects string          // the first of these packages that looks methods up by reflection
}

// methodFacts holds what the sources of one package say.
type methodFacts struct {
	methods  []string // names of methods of interface types
	reflects bool
}

// newStdFacts reads the sources of the standard library packages of a program.
func newStdFacts(p *source.Program) *stdFacts {
	s := &stdFacts{p: p, facts: map[string]*methodFacts{}, linked: map[string]bool{}, methods: map[string]bool{"Error": true}}
	var wg sync.WaitGroup
	work := make(chan *source.Listing)
	for _, path := range p.Paths {
		if p.Listed[path].Standard {
			s.facts[path] = &methodFacts{}
		}
	}
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for l := range work {
				for _, name := range l.GoFiles {
					s.facts[l.ImportPath].scan(name)
				}
			}
		})
	}
	for _, path := range p.Paths {
		l := p.Listed[path]
		if !l.Standard || path == "reflect" || path == "unsafe" || strings.HasPrefix(path, "internal/runtime/") {
			continue
		}
		work <- l
	}
	close(work)
	wg.Wait()
	s.use("runtime")
	return s
}

// use notes that live parts need a standard library package, and so its imports.
func (s *stdFacts) use(path string) {
	if s.linked[path] || s.facts[path] == nil {
		return
	}
	s.linked[path] = true
	f := s.facts[path]
	for _, name := range f.methods {
		s.methods[name] = true
	}
	if f.reflects && s.reflects == "" {
		s.reflects = path
	}
	for _, imp := range s.p.Listed[path].Imports {
		s.use(imp)
	}
	for _, r := range Registrars {
		if r.With == path {
			s.use(r.Path)
		}
	}
}

// scan adds the facts of one file. It skips a file that it can't read or parse.
func (facts *methodFacts) scan(name string) {
	src := source.ReadText(name)
	reflects := strings.Contains(src, `"reflect"`) && strings.Contains(src, ".Method")
	if !reflects && !strings.Contains(src, "interface") {
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		return
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.InterfaceType:
			for _, m := range n.Methods.List {
				for _, id := range m.Names {
					facts.methods = append(facts.methods, id.Name)
				}
			}
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if ok && reflects && (sel.Sel.Name == "Method" && len(n.Args) == 1 || sel.Sel.Name == "MethodByName") {
				facts.reflects = true
			}
		}
		return true
	})
}
