package bundler

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report says what a bundle is made of.
type Report struct {
	Packages []PackageReport // in the order of initialization
	Std      []string        // paths of the imports of the bundle
	// Methods is the reason why all exported methods of types in interfaces are kept.
	// It is empty if they aren't.
	Methods string
}

// PackageReport says what a bundle has of one package.
type PackageReport struct {
	Path, Version string
	Bytes         int      // of its text, before formatting
	Kept, Dropped int      // numbers of declarations
	Chain         []string // of imports from the main package
	Why           string   // why the package is needed
	DroppedNames  []string
}

// Write writes the report as a table, the largest package first.
func (r Report) Write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "bytes\tkept\tdropped\tpackage\timported by\tneeded by")
	var bytes, kept, dropped int
	packages := slices.Clone(r.Packages)
	slices.SortStableFunc(packages, func(a, b PackageReport) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, p := range packages {
		via := ""
		if len(p.Chain) > 1 {
			via = p.Chain[len(p.Chain)-2]
		}
		fmt.Fprintf(tw, "%d\t%d\t%d\t%s\t%s\t%s\n", p.Bytes, p.Kept, p.Dropped, strings.TrimSpace(p.Path+" "+p.Version), via, p.Why)
		bytes, kept, dropped = bytes+p.Bytes, kept+p.Kept, dropped+p.Dropped
	}
	fmt.Fprintf(tw, "%d\t%d\t%d\t%d packages\t\t\n", bytes, kept, dropped, len(r.Packages))
	if r.Methods != "" {
		fmt.Fprintln(tw, r.Methods)
	}
	return tw.Flush()
}
