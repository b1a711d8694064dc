package bundler

import (
	"context"
	"fmt"
	"go/types"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// A bundle belongs to no module, so debug.ReadBuildInfo would know nothing of
// it, and flags such as --version would show nothing. The program calls a
// function of the bundle instead, which returns what the go command records in
// an ordinary build of the program.

// isReadBuildInfo reports whether an object is debug.ReadBuildInfo.
func isReadBuildInfo(o types.Object) bool {
	fn, ok := o.(*types.Func)
	return ok && fn.FullName() == "runtime/debug.ReadBuildInfo"
}

// readsBuildInfo reports whether the program calls debug.ReadBuildInfo.
func (p *program) readsBuildInfo() bool {
	found := false
	p.liveParts(func(t *part) { found = found || slices.ContainsFunc(t.uses, isReadBuildInfo) })
	return found
}

// buildInfo asks for the build information of the program, if it is wanted. It
// is nil if the go command doesn't tell.
func buildInfo(ctx context.Context, p *program) error {
	if !p.readsBuildInfo() {
		return nil
	}
	p.progress("asking for the versions of modules")
	tool := newGoTool(p.opts)
	tool.env = append(slices.Clip(tool.asked), "PWD="+p.opts.Dir)
	flags, remove, err := p.opts.buildFlags()
	if err != nil {
		return err
	}
	defer remove()
	for _, extra := range [][]string{nil, {"-buildvcs=false"}} {
		// With -n the go command only prints what it would do, the linker's
		// configuration among it.
		args := slices.Concat([]string{"build", "-n", "-o", os.DevNull}, extra, flags, []string{"--", p.opts.Package})
		out, err := tool.combined(ctx, args...)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			p.build = modinfo(out)
			break
		}
	}
	return nil
}

// modinfo finds the build information in what the go command prints.
func modinfo(commands string) *debug.BuildInfo {
	const edge = 16 // bytes that mark the ends
	for line := range strings.Lines(commands) {
		quoted, ok := strings.CutPrefix(strings.TrimSpace(line), "modinfo ")
		if !ok {
			continue
		}
		text, err := strconv.Unquote(quoted)
		if err != nil || len(text) < 2*edge {
			continue
		}
		if info, err := debug.ParseBuildInfo(text[edge : len(text)-edge]); err == nil {
			return info
		}
	}
	return nil
}

// buildInfoText declares the function that stands for debug.ReadBuildInfo.
func (w *writer) buildInfoText(name string) string {
	var b strings.Builder
	pkg := w.p.names.imports["runtime/debug"]
	info := w.p.build
	fmt.Fprintf(&b, "// %s stands for debug.ReadBuildInfo: it returns what an ordinary build of\n// the program records.\n", name)
	fmt.Fprintf(&b, "func %s() (*%s.BuildInfo, bool) {\n", name, pkg)
	fmt.Fprintf(&b, "info, ok := %s.ReadBuildInfo()\nif !ok {\ninfo = new(%[1]s.BuildInfo)\n}\n", pkg)
	typ := pkg + ".Module"
	fmt.Fprintf(&b, "info.Path = %q\ninfo.Main = %s\n", info.Path, moduleText(typ, typ, &info.Main))
	fmt.Fprintf(&b, "info.Deps = []*%s.Module{\n", pkg)
	for _, m := range info.Deps {
		b.WriteString(moduleText("", typ, m) + ",\n")
	}
	b.WriteString("}\n")
	fmt.Fprintf(&b, "info.Settings = []%s.BuildSetting{\n", pkg)
	for _, s := range info.Settings {
		fmt.Fprintf(&b, "{Key: %q, Value: %q},\n", s.Key, s.Value)
	}
	b.WriteString("}\nreturn info, true\n}\n\n")
	return b.String()
}

// moduleText writes a module as a literal: of a type, or of one left out; full is
// the name of the type for what it replaces.
func moduleText(typ, full string, m *debug.Module) string {
	text := fmt.Sprintf("%s{Path: %q, Version: %q, Sum: %q", typ, m.Path, m.Version, m.Sum)
	if m.Replace != nil {
		text += ", Replace: &" + moduleText(full, full, m.Replace)
	}
	return text + "}"
}
