// Package reach is the second stage of the bundler: it finds the parts of a
// program that can run, in the order of initialization.
//
// [Find] takes a [source.Program] and returns a [Live]: the parts to keep, the types
// that reflection can show, and warnings about places where the program can tell
// that it is a bundle.
package reach

import (
	"cmp"
	"context"
	"go/ast"
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// Find finds the parts of p that can run. The roots are main, the init functions, and
// variables whose initializers have effects. From there it follows the uses of
// objects, and adds methods by the rule of the linker. If keepAll, all parts are
// roots. If the program has to be loaded again, the result says so by Missing or
// Emptied.
func Find(ctx context.Context, p *source.Program, keepAll bool) (*Live, error) {
	r := &reacher{
		p: p, keepAll: keepAll, std: newStdFacts(p), converted: newConverted(), purity: newPurity(p),
		marked: map[*source.Part]*Part{}, used: map[types.Object]bool{},
	}
	r.markRoots()
	r.drain()
	l := &Live{Program: p, Emptied: r.emptied, Missing: r.refused}
	if l.Emptied || len(l.Missing) > 0 {
		slices.SortFunc(l.Missing, func(a, b source.Missing) int {
			return cmp.Or(cmp.Compare(a.Part.File.Name, b.Part.File.Name), int(a.Part.Pos()-b.Part.Pos()))
		})
		return l, ctx.Err()
	}
	l.used, l.ConvertedTypes, l.Shown = r.used, r.converted.types, r.converted.visible()
	l.Converted = map[*types.TypeName]bool{}
	for _, t := range r.converted.order {
		l.Converted[t.Obj()] = true
	}
	l.Methods = r.whyMethods()
	p.Request.Announce("ordering the initialization")
	for _, k := range p.Packages {
		l.Kept = append(l.Kept, r.keep(k))
	}
	var err error
	if l.Uses("runtime/debug", []string{"ReadBuildInfo"}) {
		if l.Build, err = p.BuildInfo(ctx); err != nil {
			return nil, err
		}
	}
	l.warn()
	return l, ctx.Err()
}

// markRoots marks what runs without being mentioned.
func (r *reacher) markRoots() {
	for _, k := range r.p.Packages {
		for _, t := range k.Parts {
			if why := r.root(t); why != "" {
				r.mark(t, why)
			}
		}
	}
	for _, t := range r.p.Pushes {
		r.mark(t, "go:linkname into the standard library")
	}
	for _, path := range r.p.BlankStd() {
		r.std.use(path)
	}
}

// keep returns the package k with its live parts.
func (r *reacher) keep(k *source.Package) *Package {
	l := &Package{Package: k, Chain: r.p.Chain(k.ImportPath)}
	for _, t := range k.Parts {
		if kept := r.marked[t]; kept != nil {
			l.Kept = append(l.Kept, kept)
		} else if len(t.Objects) > 0 {
			l.Dropped = append(l.Dropped, source.Describe(t.Objects[0]))
		}
	}
	orderVars(l)
	l.Count = len(l.Kept)
	best := 0
	for _, t := range l.Kept {
		if rank := reasonRank(t); rank > best {
			l.Why, best = t.why, rank
		}
	}
	return l
}

// reasonRank ranks why a part is live, as the reason why its package is needed. A use
// by another package ranks highest, then a root.
func reasonRank(t *Part) int {
	switch {
	case t.whyFrom != nil && t.whyFrom != t.Pkg:
		return 3
	case t.whyFrom == nil:
		return 2
	}
	return 1
}

// whyMethods returns the reason why all exported methods of converted types are live,
// or nothing if they aren't.
func (r *reacher) whyMethods() string {
	const kept = ": exported methods of types in interfaces are all kept"
	switch {
	case r.converted.reflects:
		return "the program looks methods up by reflection" + kept
	case r.std.reflects != "":
		return "the program needs " + r.std.reflects + ", which looks methods up by reflection" + kept
	}
	return ""
}

// root returns the reason why a part is a root, or nothing if it isn't.
func (r *reacher) root(t *source.Part) string {
	switch {
	case t.IsInit:
		return "the initialization of " + t.Pkg.ImportPath
	case t.Pkg == r.p.Main && t.Func() != nil && t.Func().Recv == nil && t.Func().Name.Name == "main":
		return "the program"
	case t.Kind == source.VarPart && t.Init != nil && !r.purity.pure(t.Pkg, t.Init.Rhs):
		return "the initialization of " + t.Pkg.ImportPath
	case r.keepAll && len(t.Objects) > 0 && !source.IsPull(t.Func()) && !r.p.Aliased(t.Objects[0]):
		return "everything is kept"
	}
	return ""
}

// A reacher is the state of Find.
type reacher struct {
	p         *source.Program
	keepAll   bool
	std       *stdFacts
	converted *converted
	purity    *purity
	queue     []*source.Part
	current   *source.Part
	marked    map[*source.Part]*Part // the live parts
	used      map[types.Object]bool  // what live parts mention
	refused   []source.Missing
	emptied   bool // a function whose body was emptied is live
}

// mark marks a part as live and queues it.
func (r *reacher) mark(t *source.Part, why string) {
	if t == nil || r.marked[t] != nil {
		return
	}
	l := &Part{Part: t, why: why}
	r.marked[t] = l
	r.emptied = r.emptied || t.File.Emptied[t.Func()]
	if r.current != nil {
		l.whyFrom = r.current.Pkg
	}
	r.queue = append(r.queue, t)
}

// need marks the part that declares o, or the part that declares what stands for o.
func (r *reacher) need(o types.Object) {
	o = source.Origin(o)
	if r.current != nil {
		r.used[o] = true
	}
	t := r.p.PartOf(o)
	if t == nil {
		if o.Pkg() != nil {
			r.std.use(o.Pkg().Path())
		}
		return
	}
	why := ""
	if r.current != nil {
		why = r.current.Title()
	}
	if a, ok := r.p.Aliases[o]; ok {
		switch {
		case a.To != nil:
			r.need(a.To)
			return
		case a.Self != nil:
			r.need(a.Self)
		case a.Pointer != nil:
			r.need(a.Pointer)
		case a.Std.Path != "":
			r.std.use(a.Std.Path)
			return
		case a.Link != "":
			path, _ := source.SplitSymbol(a.Link)
			r.std.use(path)
		}
	} else if source.IsPull(t.Func()) && r.marked[t] == nil {
		r.refused = append(r.refused, source.Missing{Part: t, Why: why})
	}
	r.mark(t, why)
}

// drain scans live parts until it finds no new ones.
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

// scan marks what a part uses.
func (r *reacher) scan(t *source.Part) {
	info := t.Pkg.Info
	c := &conversions{info: info, mark: r.markConverted, show: r.converted.show, assert: r.needMethods}
	for _, n := range t.Nodes() {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				r.use(info, n)
			case *ast.GenDecl:
				for _, d := range DoubledNames(t.Pkg, n) {
					r.need(d.First)
				}
			case *ast.InterfaceType:
				r.converted.addInterface(info.TypeOf(n))
			}
			return true
		})
		c.find(n)
	}
	if spec, ok := t.Spec.(*ast.ValueSpec); ok {
		c.valueSpec(spec)
	}
	r.scanReceiver(t)
}

// use marks what an identifier denotes.
func (r *reacher) use(info *types.Info, id *ast.Ident) {
	if inst, ok := info.Instances[id]; ok {
		for i := range inst.TypeArgs.Len() {
			r.markConverted(inst.TypeArgs.At(i))
		}
	}
	o := info.Uses[id]
	if o == nil {
		return
	}
	if source.IsMethod(o) {
		r.converted.reflectUse(o)
		r.need(o)
	} else if source.IsGlobal(o) {
		r.need(o)
	}
}

// needMethods marks the methods of t that the interface type face has.
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

// scanReceiver marks the receiver's type of a method.
func (r *reacher) scanReceiver(t *source.Part) {
	if t.Func() == nil || t.Func().Recv == nil || len(t.Objects) == 0 {
		return
	}
	if named := Receiver(t.Objects[0].(*types.Func)); named != nil {
		r.need(named.Obj())
	}
}

// Receiver returns the declared type that fn is a method of, or nil.
func Receiver(fn *types.Func) *types.Named {
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
