package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A block is the refusal of one package that a Go file can't hold.
type block struct {
	path string
	err  *Error
}

// refuse joins refusals into one error with a line for each package. It returns nil
// if there are none.
func refuse(blocks []block) error {
	if len(blocks) == 0 {
		return nil
	}
	first := *blocks[0].err
	hints := []string{}
	for i, b := range blocks {
		if i > 0 {
			first.Text += "\n" + b.err.Error()
		}
		if b.err.Hint != "" && !slices.Contains(hints, b.err.Hint) {
			hints = append(hints, b.err.Hint)
		}
	}
	first.Hint = strings.Join(hints, "; ")
	return &first
}

// checkBlocked refuses packages that use C or import internal packages of the
// standard library. It needs only the list of packages, no types.
func checkBlocked(ctx context.Context, p *Program, tool *GoTool) error {
	blocks, err := cgoBlocks(ctx, p, tool)
	if err != nil {
		return err
	}
	blocks = append(blocks, p.internalBlocks()...)
	if len(blocks) > 0 {
		blocks = append(blocks, p.assemblyBlocks(blocks)...)
	}
	return refuse(blocks)
}

// cgoBlocks refuses the packages that an ordinary build compiles with cgo: without
// cgo they have other code, or none. CGO_ENABLED=0 accepts that.
func cgoBlocks(ctx context.Context, p *Program, tool *GoTool) (blocks []block, err error) {
	if p.Target.CGO_ENABLED == "0" {
		return nil, nil
	}
	suspect := slices.ContainsFunc(p.Paths, func(path string) bool {
		l := p.Listed[path]
		return !l.Standard && slices.ContainsFunc(l.IgnoredFiles, func(name string) bool {
			return p.Request.importIn(name, "C").Line > 0
		})
	})
	if !suspect {
		return nil, nil
	}
	listed, err := list(ctx, p.Request, p.Target.GOROOT, append(slices.Clip(tool.Env), "CGO_ENABLED=1"))
	if err != nil {
		return nil, err
	}
	var with Program
	with.index(listed)
	for _, l := range listed {
		if l.Standard {
			continue
		}
		for _, name := range l.GoFiles {
			pos := p.Request.importIn(name, "C")
			if pos.Line == 0 {
				continue
			}
			e := &Error{
				Pos:  pos,
				Text: fmt.Sprintf("package %s uses cgo%s: one Go file can't hold C", l.ImportPath, with.chainText(l.ImportPath)),
			}
			if pure := p.Listed[l.ImportPath]; pure == nil || len(pure.GoFiles) > 0 {
				e.Hint = "set CGO_ENABLED=0 to bundle the program as it is without cgo"
			}
			blocks = append(blocks, block{l.ImportPath, e})
			break
		}
	}
	return blocks, nil
}

// internalBlocks refuses the packages that import internal packages of the standard
// library. Only packages of GOROOT may import these.
func (p *Program) internalBlocks() (blocks []block) {
	for _, path := range p.Paths {
		l := p.Listed[path]
		if l.Standard {
			continue
		}
		var internal []string
		for _, imp := range l.Imports {
			if d := p.Listed[imp]; d != nil && d.Standard && Restricted(imp) {
				internal = append(internal, imp)
			}
		}
		if len(internal) == 0 {
			continue
		}
		blocks = append(blocks, block{path, &Error{
			Pos: p.importPos(path, internal[0]),
			Text: fmt.Sprintf("package %s imports %s of the standard library%s: only GOROOT may import it, so the bundle would not compile",
				path, strings.Join(internal, ", "), p.chainText(path)),
		}})
	}
	return blocks
}

// Restricted reports whether only packages of GOROOT may import the package of the
// standard library at path.
func Restricted(path string) bool {
	return strings.HasPrefix(path, "vendor/") || slices.Contains(strings.Split(path, "/"), "internal")
}

// assemblyBlocks lists the packages with assembly functions, to complete a refusal.
// It isn't known yet whether the program reaches these functions.
func (p *Program) assemblyBlocks(known []block) (blocks []block) {
	for _, path := range p.Paths {
		l := p.Listed[path]
		isKnown := slices.ContainsFunc(known, func(b block) bool { return b.path == path })
		if l.Standard || isKnown || len(l.assembly()) == 0 || bodyless(l) == 0 {
			continue
		}
		blocks = append(blocks, block{path, &Error{
			Text: fmt.Sprintf("package %s has functions in assembly%s: refused too if the program reaches them", path, p.chainText(path)),
		}})
	}
	return blocks
}
