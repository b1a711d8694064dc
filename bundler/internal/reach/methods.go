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
// (cmd/link/internal/ld/deadcode.go), made safe where we don't see std's code:
// a method of a type whose values can get into an interface is live if some
// interface that is live in the program, or any interface in the sources of the
// standard library packages that live code needs, has a method of its name. If
// the program or these packages look methods up by reflection, then all exported
// methods of such types are live.

// faces knows the types that get into interfaces, and the methods of interfaces.
type faces struct {
	types    map[types.Type]bool  // visited
	order    []*types.Named       // named types among them, of the program
	names    map[string]bool      // of methods of live interfaces; unexported ones with package path
	seen     map[*types.Func]bool // methods already found live here
	shown    map[types.Type]bool
	shows    []types.Type // in order
	reflects bool
}

func newFaces() *faces {
	return &faces{types: map[types.Type]bool{}, names: map[string]bool{}, seen: map[*types.Func]bool{}, shown: map[types.Type]bool{}}
}

// addInterface makes the methods of an interface type callable.
func (f *faces) addInterface(t types.Type) {
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

// MethodKey is the identity of a method's name: unexported names belong to
// their package.
func MethodKey(m *types.Func) string {
	if m.Exported() || m.Pkg() == nil {
		return m.Name()
	}
	return m.Pkg().Path() + "." + m.Name()
}

// reflectUse notes calls that find methods at run time: of reflect itself, or of
// any interface that a reflect.Type satisfies.
func (f *faces) reflectUse(o types.Object) {
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

// markFace notes that values of a type can get into an interface, and so all
// that reflection reaches from there.
func (r *reacher) markFace(t types.Type) {
	f := r.faces
	t = types.Unalias(t)
	if t == nil || f.types[t] {
		return
	}
	f.types[t] = true
	switch t := t.(type) {
	case *types.Named:
		for i := range t.TypeArgs().Len() {
			r.markFace(t.TypeArgs().At(i))
		}
		if o := t.Origin(); o != t {
			r.markFace(o)
			return
		}
		if r.p.InProgram(t.Obj()) {
			f.order = append(f.order, t)
			r.need(t.Obj())
			r.markFace(t.Underlying())
		}
	case *types.Pointer:
		r.markFace(t.Elem())
	case *types.Slice:
		r.markFace(t.Elem())
	case *types.Array:
		r.markFace(t.Elem())
	case *types.Chan:
		r.markFace(t.Elem())
	case *types.Map:
		r.markFace(t.Key())
		r.markFace(t.Elem())
	case *types.Struct:
		for i := range t.NumFields() {
			r.markFace(t.Field(i).Type())
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
		r.markFace(t.At(i).Type())
	}
}

// markMethods makes methods live whose type and name are both known now. It
// reports whether it found any.
func (r *reacher) markMethods() bool {
	f := r.faces
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

// callable reports whether a method of a type in an interface can be called.
func (r *reacher) callable(m *types.Func, all bool) bool {
	if !m.Exported() {
		return r.faces.names[MethodKey(m)]
	}
	return all || r.faces.names[m.Name()] || r.std.methods[m.Name()]
}

// stdFacts are what the sources of the standard library say of methods, by
// package. The compiler's export data doesn't tell of interfaces inside of
// functions.
type stdFacts struct {
	p        *source.Program
	facts    map[string]*methodFacts
	linked   map[string]bool // packages that the live parts of the program need
	methods  map[string]bool // names of methods of their interfaces
	reflects string          // one of them that looks methods up by reflection
}

// methodFacts are what one package says.
type methodFacts struct {
	methods  []string // of interface types, wherever they stand
	reflects bool
}

// newStdFacts reads the sources of all packages of std that the program imports.
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

// use notes that the program needs a package of std, and so all it imports.
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

// scan adds the facts of one file.
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
