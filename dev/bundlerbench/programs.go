package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// A kind is a family of programs that stress one thing.
type kind struct {
	name  string
	sizes []int // each about four times the last
	unit  string
	write func(dir string, n int) error
}

// label writes a size with its unit.
func (k kind) label(n int) string { return fmt.Sprintf("%d %s", n, k.unit) }

var kinds = []kind{
	{"embedded bytes", []int{1, 5, 20}, "MB", func(dir string, n int) error { return embed(dir, n, false) }},
	{"embedded text", []int{1, 5, 20}, "MB", func(dir string, n int) error { return embed(dir, n, true) }},
	{"embedded files", []int{250, 1000, 4000}, "files", manyFiles},
	{"functions", []int{2500, 10_000, 40_000}, "functions", functions},
	{"comments", []int{5000, 20_000, 80_000}, "comments", comments},
	{"constants", []int{5000, 20_000, 80_000}, "constants", constants},
	{"variables", []int{2500, 10_000, 40_000}, "variables", variables},
	{"packages", []int{50, 200, 800}, "packages", manyPackages},
	{"files", []int{250, 1000, 4000}, "files of one package", sourceFiles},
	{"types", []int{500, 2000, 8000}, "types with methods", typesOf},
}

func write(dir, name string, text []byte) error {
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// embed writes a program that embeds n million bytes: random ones, or lines with
// backquotes.
func embed(dir string, n int, text bool) error {
	data := make([]byte, 0, n*1_000_000)
	r := rand.NewChaCha8([32]byte{})
	for len(data) < n*1_000_000 {
		if text {
			data = fmt.Appendf(data, "line %d of a `text` that needs quotes\n", len(data))
		} else {
			data = append(data, byte(r.Uint64()))
		}
	}
	if err := write(dir, "w.bin", data); err != nil {
		return err
	}
	return write(dir, "main.go", []byte("package main\n\nimport _ \"embed\"\n\n//go:embed w.bin\nvar w []byte\n\nfunc main() { println(len(w)) }\n"))
}

func manyFiles(dir string, n int) error {
	for i := range n {
		if err := write(dir, fmt.Sprintf("files/%d/%d.txt", i%50, i), fmt.Appendf(nil, "file %d\nof many\n", i)); err != nil {
			return err
		}
	}
	return write(dir, "main.go", []byte("package main\n\nimport \"embed\"\n\n//go:embed files\nvar w embed.FS\n\nfunc main() { _, _ = w.ReadFile(\"x\") }\n"))
}

// program writes a main package of n declarations and n statements. Each # becomes a
// number.
func program(dir string, n int, declare, call string) error {
	var b strings.Builder
	b.WriteString("package main\n\n")
	for i := range n {
		b.WriteString(strings.ReplaceAll(declare, "#", fmt.Sprint(i)))
	}
	b.WriteString("\nfunc main() {\n\ts := 0\n")
	for i := range n {
		b.WriteString(strings.ReplaceAll(call, "#", fmt.Sprint(i)))
	}
	b.WriteString("\tprintln(s)\n}\n")
	return write(dir, "main.go", []byte(b.String()))
}

func functions(dir string, n int) error {
	return program(dir, n, "func name#(x int) int { return x + # }\n\n", "\ts += name#(s)\n")
}

func comments(dir string, n int) error {
	return program(dir, n/2, "// name# is one of many\n// with a comment.\nfunc name#(x int) int {\n\treturn x + # // the sum\n}\n\n", "\ts += name#(s)\n")
}

func constants(dir string, n int) error {
	var b strings.Builder
	b.WriteString("package main\n\nconst (\n\tc0 = iota * 3\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "\tc%d\n", i)
	}
	fmt.Fprintf(&b, ")\n\nfunc main() { println(c%d) }\n", n-1)
	return write(dir, "main.go", []byte(b.String()))
}

func variables(dir string, n int) error {
	return program(dir, n, "var v# = len(\"#\") + #\n\n", "\ts += v#\n")
}

func manyPackages(dir string, n int) error {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	for i := range n {
		fmt.Fprintf(&b, "\t\"example.com/m/p%d\"\n", i)
	}
	b.WriteString(")\n\nfunc main() {\n")
	for i := range n {
		fmt.Fprintf(&b, "\tprintln(p%d.F())\n", i)
		dep, use := "", "0"
		if i > 0 {
			dep, use = fmt.Sprintf("import \"example.com/m/p%d\"\n\n", i/2), fmt.Sprintf("p%d.F()", i/2)
			if i/2 == i {
				dep, use = "", "0"
			}
		}
		text := fmt.Sprintf("package p%d\n\n%svar v = len(\"%d\")\n\n// F is one of many.\nfunc F() int { return v + %s }\n", i, dep, i, use)
		if err := write(dir, fmt.Sprintf("p%d/p.go", i), []byte(text)); err != nil {
			return err
		}
	}
	b.WriteString("}\n")
	return write(dir, "main.go", []byte(b.String()))
}

func sourceFiles(dir string, n int) error {
	for i := range n {
		text := fmt.Sprintf("// Copyright of file %d.\n\npackage main\n\nimport \"fmt\"\n\n// f%d is one of many.\nfunc f%d() string { return fmt.Sprint(%d) }\n", i, i, i, i)
		if err := write(dir, fmt.Sprintf("f%d.go", i), []byte(text)); err != nil {
			return err
		}
	}
	var b strings.Builder
	b.WriteString("package main\n\nfunc main() {\n")
	for i := range n {
		fmt.Fprintf(&b, "\tprintln(f%d())\n", i)
	}
	b.WriteString("}\n")
	return write(dir, "main.go", []byte(b.String()))
}

// typesOf writes a program of types that embed others and implement interfaces.
func typesOf(dir string, n int) error {
	return program(dir, n, `type base# struct{ field, other int }

func (b base#) method() int { return b.field }

type T# struct {
	base#
	name string
}

func (t T#) String() string { return t.name }

type face# interface{ String() string }

`, "\ts += T#{name: \"#\"}.method() + len(face#(T#{}).String()) + T#{}.field\n")
}
