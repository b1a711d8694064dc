package names

import (
	"cmp"
	"fmt"
	"go/types"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// namers are the standard library packages that show the names of types without their
// package: as XML elements, as RPC services, and in gob streams.
var namers = []string{"encoding/xml", "encoding/gob", "net/rpc", "net/rpc/jsonrpc"}

// warnRenamed adds a warning if the program can show the names of types that have
// other names in the bundle.
func (n *Table) warnRenamed() {
	var renamed []types.Object
	for t := range n.Shown {
		if n.InProgram(t) && n.Of(t) != t.Name() {
			renamed = append(renamed, t)
		}
	}
	shows := n.NamesTypes
	for _, path := range namers {
		shows = shows || n.Live.Uses(path, nil)
	}
	if shows = shows || n.Live.Uses("reflect", []string{"Name"}); !shows || len(renamed) == 0 {
		return
	}
	slices.SortFunc(renamed, n.comparePlaces)
	list := make([]string, 0, 4)
	for _, o := range renamed[:min(3, len(renamed))] {
		list = append(list, fmt.Sprintf("%s is %s", source.Describe(o), n.Of(o)))
	}
	if more := len(renamed) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	n.Warnings = append(n.Warnings, source.Warning{
		Pos:  n.Fset.PositionFor(renamed[0].Pos(), false),
		Text: "types have other names in the bundle, which XML, RPC, gob and reflection can show: " + strings.Join(list, ", "),
	})
}

// warnTagged adds a warning if the program can show a tag that the bundler adds.
func (n *Table) warnTagged() {
	var tagged []*types.Var
	for f := range n.Tags {
		tagged = append(tagged, f)
	}
	if len(tagged) == 0 || !n.NamesTypes && !n.Live.Uses("reflect", []string{"Tag"}) {
		return
	}
	slices.SortFunc(tagged, func(a, b *types.Var) int { return n.comparePlaces(a, b) })
	n.Warnings = append(n.Warnings, source.Warning{
		Pos:  n.Fset.PositionFor(tagged[0].Pos(), false),
		Text: "struct types without a name have tags in the bundle that keep those of different packages apart: %T, %#v and reflection show them",
	})
}

// comparePlaces compares the positions of objects by file name and offset. Values of
// token.Pos depend on the order in which files are parsed, which varies.
func (n *Table) comparePlaces(a, b types.Object) int {
	x, y := n.Fset.PositionFor(a.Pos(), false), n.Fset.PositionFor(b.Pos(), false)
	return cmp.Or(cmp.Compare(x.Filename, y.Filename), cmp.Compare(x.Offset, y.Offset))
}
