package bundler

import "go/types"

// walkType calls f for a type and the types it is composed of. It doesn't look
// into declared types, only at their arguments.
func walkType(t types.Type, f func(types.Type)) {
	if t = types.Unalias(t); t == nil {
		return
	}
	f(t)
	switch t := t.(type) {
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		if m, ok := t.(*types.Map); ok {
			walkType(m.Key(), f)
		}
		walkType(t.Elem(), f)
	case *types.Struct:
		for v := range t.Fields() {
			walkType(v.Type(), f)
		}
	case *types.Tuple:
		for v := range t.Variables() {
			walkType(v.Type(), f)
		}
	case *types.Signature:
		walkType(t.Params(), f)
		walkType(t.Results(), f)
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			walkType(m.Type(), f)
		}
		for e := range t.EmbeddedTypes() {
			walkType(e, f)
		}
	case *types.Union:
		for term := range t.Terms() {
			walkType(term.Type(), f)
		}
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			walkType(a, f)
		}
	}
}

// hasTypeParam reports whether a type parameter is part of a type.
func hasTypeParam(t types.Type) bool {
	found := false
	walkType(t, func(t types.Type) {
		_, param := t.(*types.TypeParam)
		found = found || param
	})
	return found
}
