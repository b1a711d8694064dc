package reach

import (
	"go/types"
	"runtime/debug"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A Live is the output of this stage: the parts of a program that can run.
type Live struct {
	*source.Program
	Kept []*Package            // all packages, in the order of Program.Packages
	used map[types.Object]bool // package-level objects and methods that the parts mention

	Converted      map[*types.TypeName]bool // types of the program whose values are converted to interface types
	ConvertedTypes map[types.Type]bool      // the same with unnamed types and types of the standard library
	Shown          map[*types.TypeName]bool // types that reflection can come to from an empty interface value

	// Methods is the reason why all exported methods of converted types are kept. It
	// is empty if they aren't.
	Methods    string
	NamesTypes bool             // the program can show the names of its types
	Build      *debug.BuildInfo // what debug.ReadBuildInfo returns; nil if nothing calls it or it is unknown
	Warnings   []source.Warning // of this stage and those before

	// Missing are reachable functions without a body. Emptied reports whether a
	// function is reachable whose body was emptied. In both cases all other fields
	// but Program are zero, and the program must be loaded again.
	Missing []source.Missing
	Emptied bool
}

// A Package is a source package with the parts to keep.
type Package struct {
	*source.Package
	Kept []*Part // variables in the order of initialization

	Count   int      // the length of Kept, also after Release
	Chain   []string // of imports from the main package
	Why     string   // why the package is needed
	Dropped []string // names of the declarations that aren't kept
}

// Release drops the parts and what is known of the source, to save memory.
func (k *Package) Release() {
	k.Package.Release()
	k.Kept = nil
}

// A Part is a part to keep.
type Part struct {
	*source.Part
	why     string          // what needs it
	whyFrom *source.Package // the package that needs it; nil for roots
}

// EachPart calls f for each part to keep, in order.
func (l *Live) EachPart(f func(*Part)) {
	for _, k := range l.Kept {
		for _, t := range k.Kept {
			f(t)
		}
	}
}

// Uses reports whether the program mentions an object of the package path that has
// one of the names. Without names any object counts.
func (l *Live) Uses(path string, names []string) bool {
	for o := range l.used {
		if o.Pkg() != nil && o.Pkg().Path() == path && (len(names) == 0 || slices.Contains(names, o.Name())) {
			return true
		}
	}
	return false
}
