package reach

import "go/types"

// show notes that values of type t are converted to an empty interface type. Packages
// such as fmt and encoding/xml can show its name by reflection.
func (f *converted) show(t types.Type) {
	if !f.shown[t] {
		f.shown[t] = true
		f.shows = append(f.shows, t)
	}
}

// visible returns the declared types that reflection can come to from the types that
// show noted. From an interface type it comes to all types that implement it.
func (f *converted) visible() map[*types.TypeName]bool {
	seen := map[types.Type]bool{}
	names := map[*types.TypeName]bool{}
	var walk func(t types.Type)
	walk = func(t types.Type) {
		t = types.Unalias(t)
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		if named, ok := t.(*types.Named); ok {
			names[named.Obj()] = true
			for i := range named.TypeArgs().Len() {
				walk(named.TypeArgs().At(i))
			}
		}
		switch u := t.Underlying().(type) {
		case *types.Interface:
			if _, param := t.(*types.TypeParam); param || u.NumMethods() == 0 {
				return
			}
			for _, named := range f.order {
				if named.TypeParams().Len() == 0 && types.Implements(types.NewPointer(named), u) {
					walk(named)
				}
			}
		case *types.Pointer:
			walk(u.Elem())
		case *types.Slice:
			walk(u.Elem())
		case *types.Array:
			walk(u.Elem())
		case *types.Chan:
			walk(u.Elem())
		case *types.Map:
			walk(u.Key())
			walk(u.Elem())
		case *types.Struct:
			for i := range u.NumFields() {
				walk(u.Field(i).Type())
			}
		}
	}
	for _, t := range f.shows {
		walk(t)
	}
	return names
}
