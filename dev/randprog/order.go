package randprog

import (
	"fmt"
	"strings"
)

// variables adds package-level variables that depend on each other and on other packages
// in any order, and init functions.
func (k *pkg) variables() {
	n := 2 + k.r.IntN(4)
	names := make([]string, n)
	lines := make([]string, n)
	f := k.id("F", "Next", "f")
	for i := range names {
		names[i] = k.id("a", "b", "c", "state", "count", "X", "Y")
		deps := []string{}
		for _, d := range names[:i] {
			switch k.r.IntN(4) {
			case 0:
				deps = append(deps, d)
			case 1:
				deps = append(deps, fmt.Sprintf("func() int { return %s * 2 }()", d))
			}
		}
		for _, d := range k.imports {
			if len(d.ints) > 0 && k.r.IntN(3) == 0 {
				deps = append(deps, fmt.Sprintf("%s.%s(%d)", d.alias(), d.ints[k.r.IntN(len(d.ints))], i))
			}
		}
		call := fmt.Sprintf("rec.V(%d, %q", k.seed, k.path+" "+names[i])
		for _, d := range deps {
			call += ", " + d
		}
		lines[i] = fmt.Sprintf("var %s = %s)", names[i], call)
		switch k.r.IntN(6) {
		case 0:
			lines[i] = fmt.Sprintf("var %s, _ = %s), %s, 1)", names[i], call, call)
		case 1:
			lines[i] = fmt.Sprintf("var _ = %s, 7)\n\nvar %s = %d", call, names[i], k.r.IntN(5))
		}
	}
	k.decl("func %s(n int) int { return n + %s }", f, strings.Join(names, " + "))
	k.r.Shuffle(n, func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	for _, line := range lines {
		k.decl("%s", line)
		if k.r.IntN(4) == 0 {
			k.decl("func init() { %s++; rec.P(%d, %q, %s(1)) }", names[0], k.seed, k.path+" init %d", f)
		}
	}
	if f == strings.ToUpper(f[:1])+f[1:] {
		k.ints = append(k.ints, f)
	}
	k.print(f + "(1)")
}

// unused adds variables that nothing reads. Some of their initializers have side
// effects.
func (k *pkg) unused() {
	buf, kind, m, log := k.id("buf"), k.id("Kind", "kind"), k.id("table"), k.id("calls")
	k.decl("var %s = make([]int, 1, 8)", buf)
	k.decl("var %s int", log)
	k.decl("var %s = map[string]int{}", m)
	k.decl("type %s int", kind)
	k.decl("func (v %s) String() string { %s++; return \"kind\" }", kind, log)
	put := k.id("put")
	k.decl("func %s(k string) int { %s[k]++; return %s[k] }", put, m, m)
	pure := k.id("twice")
	k.decl("func %s(n int) int { m := n; if n > 3 { m = n * 2 }; return m }", pure)
	for range 3 + k.r.IntN(4) {
		name := k.pick("_", "_", k.id("unused", "x", "y"))
		k.decl("var %s = %s", name, k.pick(
			fmt.Sprintf("append(%s, %d)", buf, k.r.IntN(9)+1),
			fmt.Sprintf("append(append(%s[:0:3], 4), 5)", buf),
			fmt.Sprintf("fmt.Sprintf(\"%%v\", %s(%d))", kind, k.r.IntN(5)),
			fmt.Sprintf("fmt.Sprint(%s(1), %s(2))", kind, kind),
			fmt.Sprintf("[]int{%s(\"list\"), 2}", put),
			fmt.Sprintf("map[interface{}]int{%s(\"key\"): 1}", put),
			fmt.Sprintf("struct{ n int }{%s(\"field\")}.n", put),
			fmt.Sprintf("&struct{ n int }{%s(4) + %s(\"pointer\")}", pure, put),
			fmt.Sprintf("func() int { return %s(\"called\") }()", put),
			fmt.Sprintf("func() int { return %s(\"not called\") }", put),
			fmt.Sprintf("%s(%d)", pure, k.r.IntN(9)),
			fmt.Sprintf("len(%s) + %s(\"sum\")", buf, put),
			fmt.Sprintf("copy(%s, []int{9})", buf),
			fmt.Sprintf("%s(%d).String()", kind, 3),
			fmt.Sprintf("%s.String", kind),
			fmt.Sprintf("%s(\"and\") > 5 && %s(\"or\") > 1", put, put),
			fmt.Sprintf("interface{}(%s(2)).(fmt.Stringer).String()", kind),
		))
	}
	k.print(buf+"[:4]", log, m)
}

// loops adds loops whose variables outlive an iteration, with labels.
func (k *pkg) loops() {
	f := k.id("loop", "Loop")
	var b strings.Builder
	heads := []string{
		"for i, j := 0, 5; i < 4; i, j = i+1, j-1 {", "for i, j := range []int{4, 5, 6, 7} {", "for i, j := range [4]int{1, 2, 3, 4} {",
		"for i := range map[int]bool{3: true} {\n\t\tj := i", "for i, j := range \"abcd\" {", "for i := 0; ; i++ {\n\t\tj := i\n\t\tif i > 4 {\n\t\t\tbreak\n\t\t}",
	}
	goesBack, labeled := k.r.IntN(3) == 0, k.yes()
	if goesBack || labeled {
		b.WriteString("again:\n")
	}
	fmt.Fprintf(&b, "\t%s\n", k.pick(heads...))
	fmt.Fprintf(&b, "\t\tfs = append(fs, func() int { i++; return int(i)*10 + int(j) + n })\n")
	if k.yes() {
		b.WriteString("\t\tp := &i\n\t\tfs = append(fs, func() int { return int(*p) })\n")
	}
	switch k.r.IntN(4) {
	case 0:
		b.WriteString("\t\tfor k := range []string{\"a\", \"b\"} {\n\t\t\tfs = append(fs, func() int { return k + int(i) })\n")
		if goesBack || labeled {
			fmt.Fprintf(&b, "\t\t\tif k == %d {\n\t\t\t\tcontinue again\n\t\t\t}\n", k.r.IntN(3))
		}
		b.WriteString("\t\t}\n")
	case 1:
		if goesBack || labeled {
			fmt.Fprintf(&b, "\t\tswitch {\n\t\tcase int(i) == %d:\n\t\t\tbreak again\n\t\tcase i == 1:\n\t\t\tcontinue again\n\t\t}\n", k.r.IntN(4))
		}
	case 2:
		b.WriteString("\t\tif i == 2 {\n\t\t\tcontinue\n\t\t}\n")
	}
	if labeled && !goesBack {
		b.WriteString("\t\tif n < 0 {\n\t\t\tbreak again\n\t\t}\n")
	}
	b.WriteString("\t}\n")
	if goesBack {
		b.WriteString("\tif n++; n < 3 {\n\t\tgoto again\n\t}\n")
	}
	k.decl("func %s(n int) (fs []func() int) {\n%s\treturn\n}", f, b.String())
	t := k.id("node", "edge", "T")
	g := k.id("walk", "Walk")
	k.decl("type %s string", t)
	k.decl("func %s() (fs []func() int) {\n\tfor %s, edges := range map[%s][]%s{\"ab\": {\"c\"}} {\n\t\tfs = append(fs, func() int { return len(%s) + len(edges) })\n\t}\n\treturn\n}", g, t, t, t, t)
	for _, call := range []string{f + "(1)", g + "()"} {
		k.stmt("for _, f := range %s {\n\t\trec.P(%d, \"%%d\", f())\n\t}", call, k.seed)
	}
}

// shadows adds a function whose local variables shadow other names.
func (k *pkg) shadows() {
	f := k.id("shadow", "F")
	fns := ""
	for _, d := range k.imports {
		for _, i := range d.ints {
			fns += fmt.Sprintf(" + %s.%s(2)", d.alias(), i)
		}
		for _, t := range d.types {
			fns += fmt.Sprintf(" + len(fmt.Sprintf(\"%%+v\", %s.New%s(1)))", d.alias(), t)
		}
	}
	names := []string{"T", "Key", "a", "state", "count", "node", "string", "int", "len2", "Make", "New", "init", "any", "error", "x", "Is", "impl"}
	k.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	p, q, s := names[0], names[1], names[2]
	k.decl("func %s(%s, %s float64) interface{} {\n\t%s := 1%s\n\t{\n\t\ttype %s struct{ first, %s bool }\n\t\treturn fmt.Sprintf(\"%%+v %%v %%v\", %s{true, false}, %s, %s)\n\t}\n}", f, p, q, s, fns, p, names[3], p, q, s)
	k.print(f + "(1, 2)")
}

// constants adds a group of constants with iota.
func (k *pkg) constants() {
	t := k.id("Color", "Kind", "T")
	a, b, c := k.id("A", "B", "C"), k.id("B", "C", "D"), k.id("D", "E", "red")
	k.decl("type %s uint8", t)
	k.decl("const (\n\t%s %s = iota + %d\n\t_\n\t%s\n\t%s = \"%s\"\n)", a, t, k.r.IntN(4), b, c, c)
	k.decl("func (v %s) String() string { return [...]string{\"p\", \"q\", \"r\", \"s\", \"t\", \"u\"}[v] }", t)
	k.print(a, b, c, fmt.Sprintf("%s + %s", a, b), fmt.Sprintf("[%s + 2]int{}", a), fmt.Sprintf("map[%s]int{%s: 1}", t, b))
}

// conversions adds types of one underlying type and conversions between them.
func (k *pkg) conversions() {
	s := k.shapes[k.r.IntN(len(k.shapes))]
	a, b := k.id("From", "T", "Key"), k.id("To", "T", "Item")
	k.decl("type %s %s", a, s.text(k.program))
	k.decl("type %s %s", b, k.pick(a, s.text(k.program)))
	v := k.local()
	k.stmt("%s := %s(%s%s)", v, a, s.text(k.program), s.values(k.program))
	w := k.local()
	k.stmt("var %s %s = %s", w, s.text(k.program), v)
	k.print(fmt.Sprintf("%s(%s)", b, w), fmt.Sprintf("interface{}(%s) == interface{}(%s)", v, w), fmt.Sprintf("interface{}(%s(%s)) == interface{}(%s(%s))", b, v, b, w), fmt.Sprintf("*(*%s)(&%s)", b, v))
	for i, name := range s.names {
		if name != "_" {
			k.stmt("%s.%s, %s.%s = %s.%s, %s.%s", v, name, w, name, w, name, v, name)
			k.print(v+"."+name+" == "+w+"."+name, fmt.Sprintf("struct{ %s %s }{%s.%s}", name, s.types[i], w, name))
		}
	}
}

// methods adds method values and expressions, through embedded interfaces too.
func (k *pkg) methods() {
	face, t := k.unique("Face"), k.unique("holder")
	k.decl("type %s interface { m() string; Len() int }", face)
	k.decl("type %s struct { %s; x string }", t, face)
	impl := k.id("impl", "T", "list")
	k.decl("type %s []int", impl)
	k.decl("func (l %s) m() string { return fmt.Sprint(%q, len(l)) }", impl, k.path)
	k.decl("func (l %s) Len() int { return len(l) }", impl)
	k.decl("func (l *%s) push(n int) { *l = append(*l, n) }", impl)
	v := k.local()
	k.stmt("%s := %s{%s: %s{1, 2}, x: \"x\"}", v, t, face, impl)
	k.print(v+".m()", v+".x", fmt.Sprintf("%s.Len(%s)", t, v), fmt.Sprintf("%s.m(%s)", face, v), "len("+v+"."+face+".m())", fmt.Sprintf("(*%s).m(&%s)", t, v))
	k.print(fmt.Sprintf("func() %s { l := %s{}; f := l.push; f(1); (*%s).push(&l, 2); return l }()", impl, impl, impl))
	maker := k.id("Make", "Get")
	k.decl("func %s() interface{} { return [1]interface{}{%s{}.m()} }", maker, impl)
	k.makers = append(k.makers, maker)
	for _, d := range k.imports {
		for _, c := range d.checks {
			k.print(fmt.Sprintf("%s.%s(%s)", d.alias(), c, v))
		}
	}
}

// recovering adds panics with recover, and deferred calls.
func (k *pkg) recovering() {
	f := k.id("try", "Try")
	k.decl("func %s(f func()) (out string) {\n\tdefer func() {\n\t\tif r := recover(); r != nil {\n\t\t\tout += \" recovered\"\n\t\t}\n\t}()\n\tfor _, s := range []string{\"a\", \"b\"} {\n\t\tdefer func() { out += s }()\n\t}\n\tf()\n\treturn \"done\"\n}", f)
	k.print(f+"(func() {})", f+"(func() { panic(1) })", f+"(func() { var v interface{} = 1; _ = v.(string) })", f+"(func() { var p *struct{ x int }; p.x = 1 })")
}

// locals adds local types, aliases and constants that hide others.
func (k *pkg) locals() {
	f := k.id("Local", "Make")
	s := k.shapes[k.r.IntN(len(k.shapes))]
	name := k.pick("T", "Key", "node", "Item")
	k.decl("func %s() interface{} {\n\ttype %s %s\n\tvar out []interface{}\n\tout = append(out, %s%s)\n\t{\n\t\ttype %s = %s\n\t\tout = append(out, interface{}(%s{}) == interface{}(%s{}))\n\t}\n\tconst %s = 5\n\treturn [2]interface{}{fmt.Sprintf(\"%%+v\", out), %s}\n}",
		f, name+"1", s.text(k.program), name+"1", s.values(k.program), name, s.text(k.program), name, s.text(k.program), name, name)
	k.makers = append(k.makers, f)
}
