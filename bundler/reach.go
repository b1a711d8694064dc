package bundler

import (
	"cmp"
	"context"
	"go/ast"
	"go/types"
	"slices"
)

// findLive marks what the program can use. It starts from main, from the init
// functions and from the variables whose initialisers do something, of every
// package; it goes on along the uses, and it adds methods by the linker's
// rule (see methods.go).
func findLive(ctx context.Context, p *program, keepAll bool) (*live, error) {
	r := &reacher{
		p: p, keepAll: keepAll, std: newStdFacts(p), faces: newFaces(), purity: newPurity(p),
		marked: map[*part]*livePart{}, used: map[types.Object]bool{},
	}
	r.markRoots()
	r.drain()
	l := &live{program: p, emptied: r.emptied, missing: r.refused}
	if l.emptied || len(l.missing) > 0 {
		slices.SortFunc(l.missing, func(a, b missing) int {
			return cmp.Or(cmp.Compare(a.part.file.name, b.part.file.name), int(a.part.pos()-b.part.pos()))
		})
		return l, ctx.Err()
	}
	l.used, l.facedTypes, l.shown = r.used, r.faces.types, r.faces.visible()
	l.faced = map[*types.TypeName]bool{}
	for _, t := range r.faces.order {
		l.faced[t.Obj()] = true
	}
	l.methods = r.whyMethods()
	p.request.announce("ordering the initialization")
	for _, k := range p.pkgs {
		l.kept = append(l.kept, r.keep(k))
	}
	var err error
	if l.uses("runtime/debug", []string{"ReadBuildInfo"}) {
		if l.build, err = p.buildInfo(ctx); err != nil {
			return nil, err
		}
	}
	l.warn()
	return l, ctx.Err()
}

// markRoots marks what is needed though nothing names it.
func (r *reacher) markRoots() {
	for _, k := range r.p.pkgs {
		for _, t := range k.parts {
			if why := r.root(t); why != "" {
				r.mark(t, why)
			}
		}
	}
	for _, t := range r.p.pushes {
		r.mark(t, "go:linkname into the standard library")
	}
	for _, path := range r.p.blankStd() {
		r.std.use(path)
	}
}

// keep returns the live parts of a package in the order of initialization.
func (r *reacher) keep(k *pkg) *livePkg {
	l := &livePkg{pkg: k, chain: r.p.chain(k.ImportPath)}
	for _, t := range k.parts {
		if kept := r.marked[t]; kept != nil {
			l.kept = append(l.kept, kept)
		} else if len(t.objs) > 0 {
			l.dropped = append(l.dropped, describe(t.objs[0]))
		}
	}
	orderVars(l)
	l.count = len(l.kept)
	best := 0
	for _, t := range l.kept {
		if rank := reasonRank(t); rank > best {
			l.why, best = t.why, rank
		}
	}
	return l
}

// reasonRank orders what made a part live by how much it says of its package:
// something of another package, then the initialisation, then the rest.
func reasonRank(t *livePart) int {
	switch {
	case t.whyFrom != nil && t.whyFrom != t.pkg:
		return 3
	case t.whyFrom == nil:
		return 2
	}
	return 1
}

// whyMethods tells why exported methods of types in interfaces are all live, or
// returns nothing.
func (r *reacher) whyMethods() string {
	const kept = ": exported methods of types in interfaces are all kept"
	switch {
	case r.faces.reflects:
		return "the program looks methods up by reflection" + kept
	case r.std.reflects != "":
		return "the program needs " + r.std.reflects + ", which looks methods up by reflection" + kept
	}
	return ""
}

// root says why a part is needed though nothing names it.
func (r *reacher) root(t *part) string {
	switch {
	case t.isInit:
		return "the initialisation of " + t.pkg.ImportPath
	case t.pkg == r.p.main && t.fn() != nil && t.fn().Recv == nil && t.fn().Name.Name == "main":
		return "the program"
	case t.kind == varPart && t.init != nil && !r.purity.pure(t.pkg, t.init.Rhs):
		return "the initialisation of " + t.pkg.ImportPath
	case r.keepAll && len(t.objs) > 0 && !isPull(t.fn()) && !r.p.aliased(t.objs[0]):
		return "everything is kept"
	}
	return ""
}

// A reacher is the state of the stage.
type reacher struct {
	p       *program
	keepAll bool
	std     *stdFacts
	faces   *faces
	purity  *purity
	queue   []*part
	current *part
	marked  map[*part]*livePart   // the live parts
	used    map[types.Object]bool // what live parts name
	refused []missing
	emptied bool // an emptied function is live
}

// mark makes a part live.
func (r *reacher) mark(t *part, why string) {
	if t == nil || r.marked[t] != nil {
		return
	}
	l := &livePart{part: t, why: why}
	r.marked[t] = l
	r.emptied = r.emptied || t.file.emptied[t.fn()]
	if r.current != nil {
		l.whyFrom = r.current.pkg
	}
	r.queue = append(r.queue, t)
}

// need makes the part live that declares the object, or what stands for it.
func (r *reacher) need(o types.Object) {
	o = origin(o)
	if r.current != nil {
		r.used[o] = true
	}
	t := r.p.partOf(o)
	if t == nil {
		if o.Pkg() != nil {
			r.std.use(o.Pkg().Path())
		}
		return
	}
	why := ""
	if r.current != nil {
		why = r.current.title()
	}
	if a, ok := r.p.aliases[o]; ok {
		switch {
		case a.to != nil:
			r.need(a.to)
			return
		case a.self != nil:
			r.need(a.self)
		case a.ptr != nil:
			r.need(a.ptr)
		case a.std.path != "":
			r.std.use(a.std.path)
			return
		case a.link != "":
			path, _ := splitSymbol(a.link)
			r.std.use(path)
		}
	} else if isPull(t.fn()) && r.marked[t] == nil {
		r.refused = append(r.refused, missing{part: t, why: why})
	}
	r.mark(t, why)
}

// drain scans live parts until nothing new is found.
func (r *reacher) drain() {
	for {
		for len(r.queue) > 0 {
			t := r.queue[0]
			r.queue = r.queue[1:]
			r.current = t
			r.scan(t)
			r.current = nil
		}
		if !r.markMethods() {
			return
		}
	}
}

// scan follows what a part uses.
func (r *reacher) scan(t *part) {
	info := t.pkg.info
	c := &conversions{info: info, mark: r.markFace, show: r.faces.show, assert: r.needMethods}
	for _, n := range t.nodes() {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				r.use(info, n)
			case *ast.GenDecl:
				for _, d := range doubledNames(t.pkg, n) {
					r.need(d.first)
				}
			case *ast.InterfaceType:
				r.faces.addInterface(info.TypeOf(n))
			}
			return true
		})
		c.find(n)
	}
	if spec, ok := t.spec.(*ast.ValueSpec); ok {
		c.valueSpec(spec)
	}
	r.scanReceiver(t)
}

// use follows one identifier.
func (r *reacher) use(info *types.Info, id *ast.Ident) {
	if inst, ok := info.Instances[id]; ok {
		for i := range inst.TypeArgs.Len() {
			r.markFace(inst.TypeArgs.At(i))
		}
	}
	o := info.Uses[id]
	if o == nil {
		return
	}
	if isMethod(o) {
		r.faces.reflectUse(o)
		r.need(o)
	} else if isGlobal(o) {
		r.need(o)
	}
}

// needMethods makes the methods of a type live that an interface has.
func (r *reacher) needMethods(t, face types.Type) {
	i, ok := face.Underlying().(*types.Interface)
	if t == nil || !ok || isInterface(t) {
		return
	}
	for j := range i.NumMethods() {
		m := i.Method(j)
		if o, _, _ := types.LookupFieldOrMethod(t, true, m.Pkg(), m.Name()); o != nil {
			r.need(o)
		}
	}
}

// scanReceiver makes the receiver's type live with a method.
func (r *reacher) scanReceiver(t *part) {
	if t.fn() == nil || t.fn().Recv == nil || len(t.objs) == 0 {
		return
	}
	if named := receiver(t.objs[0].(*types.Func)); named != nil {
		r.need(named.Obj())
	}
}

// receiver returns the declared type that a method belongs to.
func receiver(fn *types.Func) *types.Named {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	t := types.Unalias(recv.Type())
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	named, _ := t.(*types.Named)
	if named != nil {
		named = named.Origin()
	}
	return named
}
