package names

import (
	"go/token"
	"go/types"
)

// hidden reports whether a short name may replace the name of an object. Names of
// types may not be replaced, because reflection shows them.
func (n *Table) hidden(o types.Object) bool {
	switch o.(type) {
	case *types.Func, *types.Var, *types.Const:
		return len(o.Name()) > 2
	}
	return false
}

// short returns the next short name that nothing has.
func (n *Table) short() string {
	const first, rest = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789"
	for {
		i := n.shorts
		n.shorts++
		name := string(first[i%len(first)])
		for i /= len(first); i > 0; i /= len(rest) {
			name += string(rest[i%len(rest)])
		}
		if !n.used[name] && !n.taken[name] && types.Universe.Lookup(name) == nil && !token.IsKeyword(name) {
			n.taken[name] = true
			return name
		}
	}
}
