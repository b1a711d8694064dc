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

// A bundle belongs to no module: debug.ReadBuildInfo would find no versions, and
// flags such as --version would show none. The program therefore calls a function
// of the bundle. It returns what the go command records in an ordinary build.

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

// buildInfo sets p.build if the program calls debug.ReadBuildInfo. It stays nil
// if the go command doesn't print the information.
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
		// With -n the go command prints what it would do, with the configuration
		// of the linker.
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

// modinfo returns the build information in the output of go build -n, or nil.
func modinfo(commands string) *debug.BuildInfo {
	const edge = 16 // bytes of the mark at either end
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

// moduleText returns a module as a literal. Its type is typ, which may be empty
// in a literal of a slice; the module that replaces it has type full.
func moduleText(typ, full string, m *debug.Module) string {
	text := fmt.Sprintf("%s{Path: %q, Version: %q, Sum: %q", typ, m.Path, m.Version, m.Sum)
	if m.Replace != nil {
		text += ", Replace: &" + moduleText(full, full, m.Replace)
	}
	return text + "}"
}
