package reach

import "go/types"

// WalkType calls f for t and the types that it is composed of. Of a declared type
// these are the type arguments only.
func WalkType(t types.Type, f func(types.Type)) {
	if t = types.Unalias(t); t == nil {
		return
	}
	f(t)
	switch t := t.(type) {
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		if m, ok := t.(*types.Map); ok {
			WalkType(m.Key(), f)
		}
		WalkType(t.Elem(), f)
	case *types.Struct:
		for v := range t.Fields() {
			WalkType(v.Type(), f)
		}
	case *types.Tuple:
		for v := range t.Variables() {
			WalkType(v.Type(), f)
		}
	case *types.Signature:
		WalkType(t.Params(), f)
		WalkType(t.Results(), f)
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			WalkType(m.Type(), f)
		}
		for e := range t.EmbeddedTypes() {
			WalkType(e, f)
		}
	case *types.Union:
		for term := range t.Terms() {
			WalkType(term.Type(), f)
		}
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			WalkType(a, f)
		}
	}
}

// HasTypeParam reports whether t contains a type parameter.
func HasTypeParam(t types.Type) bool {
	found := false
	WalkType(t, func(t types.Type) {
		_, param := t.(*types.TypeParam)
		found = found || param
	})
	return found
}
