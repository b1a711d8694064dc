package bundler

import (
	"go/types"
	"runtime/debug"
	"slices"
)

// A live is what a program can reach: the output of the stage reach.
type live struct {
	*program
	kept []*livePkg            // in the order of program.pkgs
	used map[types.Object]bool // what the parts of the packages name at package level

	faced      map[*types.TypeName]bool // types whose values get into interfaces
	facedTypes map[types.Type]bool      // the same with unnamed types
	shown      map[*types.TypeName]bool // types that reflection can come to from an empty interface

	// methods tells why exported methods of types in interfaces are all kept, or
	// is empty.
	methods    string
	namesTypes bool             // the program shows the names of types
	build      *debug.BuildInfo // what debug.ReadBuildInfo is to return; nil if nothing calls it
	notes      []sourceWarning  // where the bundle can behave in another way than the program

	// A program that is not complete must be loaded again: missing are functions
	// without a body; emptied reports that a body was left out that is needed.
	missing []missing
	emptied bool
}

// A livePkg is a package with the parts to keep.
type livePkg struct {
	*pkg
	kept []*livePart // in the order of initialization

	count   int      // of kept, also after release
	chain   []string // from the main package, along imports
	why     string   // the first reason that something of it is needed
	dropped []string // declarations, by name
}

// release drops what is known of the package's source, to save memory.
func (k *livePkg) release() {
	k.pkg.release()
	k.kept = nil
}

// A livePart is a part to keep.
type livePart struct {
	*part
	why     string // what made it live
	whyFrom *pkg   // whose that is; nil for roots
}

// eachPart calls f for every part, in order.
func (l *live) eachPart(f func(*livePart)) {
	for _, k := range l.kept {
		for _, t := range k.kept {
			f(t)
		}
	}
}

// uses reports whether a part names one of the objects of a package.
func (l *live) uses(path string, names []string) bool {
	for o := range l.used {
		if o.Pkg() != nil && o.Pkg().Path() == path && (len(names) == 0 || slices.Contains(names, o.Name())) {
			return true
		}
	}
	return false
}
