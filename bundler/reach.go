package bundler

import (
	"cmp"
	"context"
	"go/ast"
	"go/types"
	"slices"
)

// reach marks what the program can use. It starts from main, from the init
// functions and from the variables whose initialisers do something, of every
// package; it goes on along the uses, and it adds methods by the linker's
// rule (see methods.go).
func reach(ctx context.Context, p *program) error {
	p.stdFace = newStdFacts(p)
	r := &reacher{p: p, faces: newFaces(), purity: newPurity(p)}
	for _, k := range p.pkgs {
		for _, t := range k.parts {
			if why := r.root(t); why != "" {
				r.mark(t, why)
			}
		}
	}
	for _, t := range p.pushes {
		r.mark(t, "go:linkname into the standard library")
	}
	for _, path := range p.blankStd() {
		p.stdFace.use(path)
	}
	r.drain()
	if r.emptied {
		return errLean
	}
	slices.SortFunc(r.refused, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.file.name, b.file.name), int(a.pos()-b.pos()))
	})
	if len(r.refused) > 0 {
		if done, err := p.fallBack(ctx, r.refused); done || err != nil {
			return err
		}
		return refuseBodyless(ctx, p, r.refused)
	}
	p.reflects = r.faces.reflects
	p.shown = r.faces.visible()
	p.facedTypes = r.faces.types
	p.faced = map[*types.TypeName]bool{}
	for _, t := range r.faces.order {
		p.faced[t.Obj()] = true
	}
	return nil
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
	case r.p.opts.KeepAll && len(t.objs) > 0 && !isPull(t.fn()) && !r.p.aliased(t.objs[0]):
		return "everything is kept"
	}
	return ""
}

// A reacher is the state of the stage.
type reacher struct {
	p       *program
	queue   []*part
	faces   *faces
	purity  *purity
	refused []*part
	current *part
	emptied bool // an emptied function is live
}

// mark makes a part live.
func (r *reacher) mark(t *part, why string) {
	if t == nil || t.live {
		return
	}
	t.live, t.why = true, why
	r.emptied = r.emptied || t.file.emptied[t.fn()]
	if r.current != nil {
		t.whyFrom = r.current.pkg
	}
	r.queue = append(r.queue, t)
}

// need makes the part live that declares the object, or what stands for it.
func (r *reacher) need(o types.Object) {
	o = origin(o)
	if r.current != nil {
		r.current.uses = append(r.current.uses, o)
	}
	t := r.p.parts[o]
	if t == nil {
		if o.Pkg() != nil {
			r.p.stdFace.use(o.Pkg().Path())
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
			r.p.stdFace.use(a.std.path)
			return
		case a.link != "":
			path, _ := splitSymbol(a.link)
			r.p.stdFace.use(path)
		}
	} else if isPull(t.fn()) && !t.live {
		t.why = why
		r.refused = append(r.refused, t)
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

// liveParts calls f for every live part, in order.
func (p *program) liveParts(f func(*part)) {
	for _, k := range p.pkgs {
		for _, t := range k.parts {
			if t.live {
				f(t)
			}
		}
	}
}
