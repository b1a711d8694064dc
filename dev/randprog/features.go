package randprog

import (
	"fmt"
	"strings"
)

// features lists functions that add declarations and printing statements to a package.
var features = []func(*pkg){
	(*pkg).unnamed, (*pkg).unnamed, (*pkg).unnamed, (*pkg).embedding, (*pkg).embedding, (*pkg).embedding, (*pkg).sealed,
	(*pkg).generic, (*pkg).genericStruct, (*pkg).variables, (*pkg).variables, (*pkg).loops, (*pkg).shadows, (*pkg).unused, (*pkg).unused,
	(*pkg).constants, (*pkg).conversions, (*pkg).methods, (*pkg).recovering, (*pkg).locals,
}

// shape holds the fields of a struct type.
type shape struct {
	names, types, tags []string
}

func (w *program) shape() shape {
	var s shape
	names := []string{"x", "n", "name", "val", "Name", "_"}
	w.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	typ := ""
	for _, name := range names[:1+w.r.IntN(3)] {
		if typ == "" || w.yes() {
			typ = w.pick("int", "string", "bool", "[2]int", "interface{}", "struct{ x, y int }", "*int")
		}
		s.names, s.types = append(s.names, name), append(s.types, typ)
		s.tags = append(s.tags, w.pick("", "", "", "`json:\"q\"`"))
	}
	return s
}

// text returns the struct type. Fields of the same type share a line or not.
func (s shape) text(w *program) string {
	var b strings.Builder
	b.WriteString("struct {")
	for i := 0; i < len(s.names); i++ {
		names := s.names[i]
		for i+1 < len(s.names) && s.types[i] == s.types[i+1] && s.tags[i] == s.tags[i+1] && w.yes() {
			i++
			names += ", " + s.names[i]
		}
		fmt.Fprintf(&b, " %s %s %s;", names, s.types[i], s.tags[i])
	}
	return strings.TrimSuffix(b.String(), ";") + " }"
}

var values = map[string][]string{
	"int": {"1", "2"}, "string": {`"s"`, `"t"`}, "bool": {"true", "false"}, "[2]int": {"[2]int{1, 2}", "[2]int{}"},
	"interface{}": {"1", "nil", `"s"`}, "struct{ x, y int }": {"struct{ x, y int }{1, 2}", "struct{ x, y int }{}"}, "*int": {"nil"},
}

// values returns the values of a literal of the struct type.
func (s shape) values(w *program) string {
	var list []string
	for _, t := range s.types {
		list = append(list, w.pick(values[t]...))
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// unnamed adds functions that return values of unnamed struct types, alone or inside
// other types, and functions with type switches over them.
func (k *pkg) unnamed() {
	s := k.shapes[k.r.IntN(len(k.shapes))]
	lit := func() string { return s.text(k.program) + s.values(k.program) }
	maker, check := k.id("Make", "New", "Get"), k.id("Is", "Check")
	typ := s.text(k.program)
	switch k.r.IntN(6) {
	case 0:
		name := k.id("Key", "Pair", "T")
		k.decl("type %s = %s", name, typ)
		k.decl("func %s() interface{} { return %s%s }", maker, name, s.values(k.program))
		k.print(fmt.Sprintf("interface{}(%s{}) == interface{}(%s{})", name, s.text(k.program)))
	case 1:
		name := k.id("Key", "pair", "T")
		k.decl("type %s %s", name, typ)
		k.decl("func %s() interface{} { var u %s = %s%s; return u }", maker, s.text(k.program), name, s.values(k.program))
	case 2:
		k.decl("func %s() interface{} { return [1]%s{%s} }", maker, typ, s.values(k.program))
		typ = "[1]" + s.text(k.program)
	case 3:
		k.decl("func %s() interface{} { return struct{ V %s; N int }{%s, 4} }", maker, typ, lit())
		typ = "struct{ V " + s.text(k.program) + "; N int }"
	case 4:
		k.decl("func %s() interface{} { for _, c := range []%s{%s, %s} { return c }; return nil }", maker, typ, s.values(k.program), s.values(k.program))
	case 5:
		f := k.id("of", "wrap")
		k.decl("func %s[V any](v V) interface{} { return struct{ val V; n int }{v, 1} }", f)
		k.decl("func %s() interface{} { return %s(%s) }", maker, f, k.pick("1", `"s"`))
		typ = "struct{ val " + k.pick("int", "string") + "; n int }"
	}
	k.decl("func %s(v interface{}) string {\n\tswitch v := v.(type) {\n\tcase %s:\n\t\treturn fmt.Sprintf(\"mine %%+v\", v)\n\tcase func(%s):\n\t\treturn \"func\"\n\t}\n\treturn \"no\"\n}", check, typ, typ)
	k.makers, k.checks = append(k.makers, maker), append(k.checks, check)
	if k.yes() {
		f := k.id("Func", "Make")
		k.decl("func %s() interface{} { return [1]interface{}{len(fmt.Sprint(func(%s) {})) > 0} }", f, typ)
		k.makers = append(k.makers, f)
	}
}

// embedding adds a struct that embeds own and imported ones.
func (k *pkg) embedding() {
	own := k.unique("inner")
	k.decl("type %s struct { x, n int; val string }", own)
	k.decl("func (v %s) m() string { return fmt.Sprint(%q, v.x, v.val) }", own, k.path)
	k.decl("func (v *%s) set(n int) int { v.x += n; return v.x }", own)
	fields, inits := []string{own}, []string{own + fmt.Sprintf("{%d, 2, %q}", k.r.IntN(9), k.name)}
	for _, d := range k.imports {
		for _, t := range d.types {
			if k.r.IntN(3*len(k.seeds)) > len(k.seeds) && len(fields) < 4 {
				fields = append(fields, d.alias()+"."+t)
				inits = append(inits, fmt.Sprintf("%s.New%s(%d)", d.alias(), t, k.r.IntN(50)))
			}
		}
	}
	for _, t := range k.types {
		if k.r.IntN(4) == 0 {
			fields, inits = append(fields, t), append(inits, fmt.Sprintf("New%s(3)", t))
			fields[0], inits[0] = "_ int", "0" // else its fields would be ambiguous
			break
		}
	}
	if k.yes() {
		fields, inits = append(fields, k.pick("name", "id", "Name")+" string"), append(inits, `"field"`)
	}
	t := k.unique("Base")
	k.decl("type %s struct {\n\t%s\n}", t, strings.Join(fields, "\n\t"))
	k.decl("func New%s(n int) %s {\n\tv := %s{%s}\n\tv.x = n\n\treturn v\n}", t, t, t, strings.Join(inits, ", "))
	k.types = append(k.types, t)
	v := k.local()
	k.stmt("%s := New%s(%d)", v, t, k.r.IntN(100))
	k.stmt("%s.x++", v)
	k.stmt("*(&%s.n) += %s.x", v, v)
	k.print(v, v+".x", v+".m()", v+".val", t+".m("+v+")", "(&"+v+").set(4)", v)
	if k.yes() {
		k.print("func() int { f := " + v + ".set; " + v + ".x = 100; return f(1) + " + v + ".n }()")
	}
	maker := k.id("Make", "New")
	k.decl("func %s() interface{} { return New%s(%d) }", maker, t, k.r.IntN(9))
	k.makers = append(k.makers, maker)
}

// sealed adds an interface with an unexported method, and types with methods of
// the same few names.
func (k *pkg) sealed() {
	m := k.pick("m", "set", "get", "node", "name")
	args, call := "", ""
	if m == "set" {
		args, call = "n int", "1"
	}
	res := k.pick("string", "int")
	value := map[string]string{"string": fmt.Sprintf("%q", k.path+m), "int": fmt.Sprint(k.r.IntN(99))}[res]
	t, face, check := k.id("impl", "T", "Item"), k.id("Sealed", "Node", "face"), k.id("Has", "Is")
	k.decl("type %s interface { %s(%s) %s }", face, m, args, res)
	k.decl("type %s struct{ N int }", t)
	k.decl("func (v %s) %s(%s) %s { return %s }", k.pick(t, "*"+t), m, args, res, value)
	k.decl("func %s(v interface{}) string {\n\tif v, ok := v.(%s); ok {\n\t\treturn fmt.Sprint(\"has \", v.%s(%s))\n\t}\n\treturn \"no\"\n}", check, k.pick(face, fmt.Sprintf("interface { %s(%s) %s }", m, args, res)), m, call)
	maker := k.id("Make", "Get")
	k.decl("func %s() interface{} { return [1]%s{{%d}}[0] }", maker, t, k.r.IntN(5))
	k.makers, k.checks = append(k.makers, maker), append(k.checks, check)
	k.print(check + "(&" + t + "{3})")
}

// local returns the name of a local variable of Run.
func (k *pkg) local() string { return k.id("v", "s", "val", "node") }

// generic adds generic functions over types of several packages.
func (k *pkg) generic() {
	f, g := k.id("Map", "apply"), k.id("kind", "Kind")
	k.decl("func %s[T, U any](list []T, f func(T) U) (out []U) {\n\tfor _, v := range list {\n\t\tout = append(out, f(v))\n\t}\n\treturn\n}", f)
	s := k.shapes[k.r.IntN(len(k.shapes))]
	k.decl("func %s[T any](v T) string {\n\tvar x interface{} = v\n\tswitch x.(type) {\n\tcase int:\n\t\treturn \"int\"\n\tcase %s:\n\t\treturn \"struct\"\n\tcase []T:\n\t\treturn \"list\"\n\tcase interface{ m() string }:\n\t\treturn \"m\"\n\t}\n\treturn fmt.Sprintf(\"%%+v\", v)\n}", g, s.text(k.program))
	k.print(g+"(1)", g+`("s")`, g+"([]int{1})", fmt.Sprintf("%s(%s%s)", g, s.text(k.program), s.values(k.program)))
	for _, d := range k.imports {
		for _, t := range d.types {
			k.print(fmt.Sprintf("%s(%s.New%s(1))", g, d.alias(), t))
			k.print(fmt.Sprintf("%s([]int{1, 2}, %s.New%s)", f, d.alias(), t))
		}
	}
	for _, t := range k.types {
		k.print(fmt.Sprintf("%s(New%s(1))", g, t), fmt.Sprintf("len(%s([]%s{{}, {}}, %s[%s]))", f, t, g, t))
	}
}

// genericStruct adds generic types with methods that embed types and are embedded.
func (k *pkg) genericStruct() {
	box := k.unique("Box")
	k.decl("type %s[T any] struct { val T; x, n int }", box)
	k.decl("func (b %s[T]) get() T { return b.val }", box)
	k.decl("func (b *%s[T]) Set(v T) *%s[T] { b.val, b.n = v, b.n+1; return b }", box, box)
	k.decl("func (b %s[T]) m() string { return fmt.Sprint(\"box \", b.val) }", box)
	t := k.unique("Gen")
	extra, init := "", ""
	for _, d := range k.imports {
		if len(d.types) > 0 && k.yes() {
			extra += "\n\t" + d.alias() + "." + d.types[0]
			init += ", " + d.alias() + ".New" + d.types[0] + "(8)"
		}
	}
	k.decl("type %s[T any] struct {\n\t%s[T]%s\n\textra T\n}", t, box, extra)
	v := k.local()
	typ, one, two := "int", "5", "6"
	if k.yes() {
		typ, one, two = "string", `"five"`, `"six"`
	}
	k.stmt("%s := %s[%s]{%s[%s]{%s, 1, 2}%s, %s}", v, t, typ, box, typ, one, init, two)
	k.stmt("%s.Set(%s).Set(%s)", v, one, two)
	k.stmt("%s.x += %s.n", v, v)
	k.print(v, v+".get()", v+".val", v+".m()", v+".x", fmt.Sprintf("%s[%s].get(%s)", t, typ, v))
	maker := k.id("Make", "Box")
	k.decl("func %s() interface{} { return %s[%s]{extra: %s} }", maker, t, typ, one)
	k.makers = append(k.makers, maker)
}

// meet makes the package check and compare its own values and those of its imports.
func (k *pkg) meet() {
	all := append([]*pkg{k}, k.imports...)
	name := func(d *pkg, f string) string {
		if d == k {
			return f
		}
		return d.alias() + "." + f
	}
	var makers []string
	for _, d := range all {
		for _, f := range d.makers {
			makers = append(makers, name(d, f)+"()")
		}
	}
	k.r.Shuffle(len(makers), func(i, j int) { makers[i], makers[j] = makers[j], makers[i] })
	makers = makers[:min(len(makers), 8*len(k.seeds))]
	if len(makers) == 0 {
		return
	}
	k.stmt("values := []interface{}{%s}", strings.Join(makers, ", "))
	k.stmt("for i, v := range values {\n\t\trec.P(%d, \"%%d %%+v\", i, v)\n\t\tfor j, w := range values {\n\t\t\tif i < j && v == w {\n\t\t\t\trec.P(%d, \"%%d equals %%d\", i, j)\n\t\t\t}\n\t\t}\n\t}", k.seed, k.seed)
	k.stmt("seen := map[interface{}]int{}\n\tfor _, v := range values {\n\t\tseen[v]++\n\t}\n\trec.P(%d, \"different %%d\", len(seen))", k.seed)
	for _, d := range all {
		for _, c := range d.checks {
			k.stmt("for i, v := range values {\n\t\trec.P(%d, \"%%d %%s\", i, %s(v))\n\t}", k.seed, name(d, c))
		}
	}
}
