package print

import (
	"fmt"
	"go/types"
	"runtime/debug"
	"strings"
)

// isReadBuildInfo reports whether o is debug.ReadBuildInfo.
func isReadBuildInfo(o types.Object) bool {
	fn, ok := o.(*types.Func)
	return ok && fn.FullName() == "runtime/debug.ReadBuildInfo"
}

// buildInfoText returns the declaration of the function name, which stands for
// debug.ReadBuildInfo.
func (w *writer) buildInfoText(name string) string {
	var b strings.Builder
	pkg := w.names.Imports["runtime/debug"]
	info := w.names.Build
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

// moduleText returns a module as a composite literal of type typ, which may be empty
// inside a slice literal. The module that replaces it has type full.
func moduleText(typ, full string, m *debug.Module) string {
	text := fmt.Sprintf("%s{Path: %q, Version: %q, Sum: %q", typ, m.Path, m.Version, m.Sum)
	if m.Replace != nil {
		text += ", Replace: &" + moduleText(full, full, m.Replace)
	}
	return text + "}"
}
