package reach

import (
	"go/types"
	"runtime/debug"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A Live is what a program can reach: the output of the stage reach.
type Live struct {
	*source.Program
	Kept []*Package            // in the order of program.pkgs
	used map[types.Object]bool // what the parts of the packages name at package level

	Faced      map[*types.TypeName]bool // types whose values get into interfaces
	FacedTypes map[types.Type]bool      // the same with unnamed types
	Shown      map[*types.TypeName]bool // types that reflection can come to from an empty interface

	// Methods tells why exported methods of types in interfaces are all kept, or
	// is empty.
	Methods    string
	NamesTypes bool             // the program shows the names of types
	Build      *debug.BuildInfo // what debug.ReadBuildInfo is to return; nil if nothing calls it
	Warnings   []source.Warning // where the bundle can behave in another way than the program

	// A program that is not complete must be loaded again: missing are functions
	// without a body; emptied reports that a body was left out that is needed.
	Missing []source.Missing
	Emptied bool
}

// A Package is a package with the parts to keep.
type Package struct {
	*source.Package
	Kept []*Part // in the order of initialization

	Count   int      // of kept, also after release
	Chain   []string // from the main package, along imports
	Why     string   // the first reason that something of it is needed
	Dropped []string // declarations, by name
}

// Release drops what is known of the package's source, to save memory.
func (k *Package) Release() {
	k.Package.Release()
	k.Kept = nil
}

// A Part is a part to keep.
type Part struct {
	*source.Part
	why     string          // what made it live
	whyFrom *source.Package // whose that is; nil for roots
}

// EachPart calls f for every part, in order.
func (l *Live) EachPart(f func(*Part)) {
	for _, k := range l.Kept {
		for _, t := range k.Kept {
			f(t)
		}
	}
}

// Uses reports whether a part names one of the objects of a package.
func (l *Live) Uses(path string, names []string) bool {
	for o := range l.used {
		if o.Pkg() != nil && o.Pkg().Path() == path && (len(names) == 0 || slices.Contains(names, o.Name())) {
			return true
		}
	}
	return false
}
