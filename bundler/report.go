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

// report collects the report, but for the bytes.
func (p *program) report() Report {
	var r Report
	for _, k := range p.pkgs {
		one := PackageReport{Path: k.ImportPath, Version: k.version, Chain: p.chain(k.ImportPath)}
		best := 0
		for _, t := range k.parts {
			switch {
			case t.live:
				one.Kept++
				if rank := reasonRank(t); rank > best {
					one.Why, best = t.why, rank
				}
			case len(t.objs) > 0:
				one.Dropped++
				one.DroppedNames = append(one.DroppedNames, describe(t.objs[0]))
			}
		}
		r.Packages = append(r.Packages, one)
	}
	r.Std = sortedKeys(p.names.imports)
	switch {
	case p.reflects:
		r.Methods = "the program looks methods up by reflection: exported methods of types in interfaces are all kept"
	case p.stdFace.reflects != "":
		r.Methods = "the program needs " + p.stdFace.reflects + ", which looks methods up by reflection: exported methods of types in interfaces are all kept"
	}
	return r
}

// reasonRank orders what made a part live by how much it says of its package:
// something of another package, then the initialisation, then the rest.
func reasonRank(t *part) int {
	switch {
	case t.whyFrom != nil && t.whyFrom != t.pkg:
		return 3
	case t.whyFrom == nil:
		return 2
	}
	return 1
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
