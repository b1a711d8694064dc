package bundler

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report tells what a bundle is made of.
type Report struct {
	Packages []PackageReport // in the order of initialisation
	Std      []string        // imports of the bundle
	// Methods tells why exported methods are all kept, or is empty.
	Methods string
}

// PackageReport tells of one package.
type PackageReport struct {
	Path, Version string
	Bytes         int      // of its text in the bundle
	Kept, Dropped int      // declarations
	Chain         []string // from the main package, along imports
	Why           string   // the first reason that something of it is needed
	DroppedNames  []string
}

// Write prints the report as a table, the largest package first.
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
