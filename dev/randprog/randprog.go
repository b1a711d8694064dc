// Package randprog writes random programs for the tests of the bundler. Their packages
// give the same few names to different things, embed and convert each other's types, and
// print everything observable.
//
//	files := randprog.Module(randprog.Seeds(0, 100))
//
// Equal seeds give equal files. The programs print nothing that a bundle changes: no names
// of types, no addresses, no line numbers.
package randprog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Seeds returns the n seeds first, first+1, ….
func Seeds(first, n int) []int {
	seeds := make([]int, n)
	for i := range seeds {
		seeds[i] = first + i
	}
	return seeds
}

// group is the number of programs that share packages. Compiling packages takes most of
// the time of a test, and the packages of one program are small.
const group = 4

// Module returns the files of a module whose main package runs one random program for
// each seed. Each line of output begins with the seed, except for lines that the programs
// of a group print together.
func Module(seeds []int) map[string]string {
	files := map[string]string{
		"go.mod":     "module example.com/r\n\ngo 1.26\n\nrequire example.com/old v1.0.0\n\nreplace example.com/old => ./old\n",
		"old/go.mod": "module example.com/old\n\ngo 1.20\n",
		"rec/rec.go": strings.ReplaceAll(recorder, "PATH", "example.com/r/rec"),
		// The old module must not need the other one.
		"old/rec/rec.go": strings.ReplaceAll(recorder, "PATH", "example.com/old/rec"),
	}
	var imports, calls strings.Builder
	for seeds := range slices.Chunk(seeds, group) {
		w := &program{seeds: seeds, seed: seeds[0], r: rand.New(rand.NewPCG(uint64(seeds[0]), 26))}
		for i, k := range w.generate() {
			files[k.dir+"/"+k.name+".go"] = k.text()
			fmt.Fprintf(&imports, "\tp%dx%d %q\n", seeds[0], i, k.path)
			fmt.Fprintf(&calls, "\tp%dx%d.Run()\n", seeds[0], i)
		}
	}
	files["main.go"] = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/old/rec\"\n\tnow \"example.com/r/rec\"\n" + imports.String() +
		")\n\nfunc main() {\n" + calls.String() + "\tfmt.Print(rec.Text(), now.Text())\n}\n"
	return files
}

const recorder = `// Package rec keeps what the programs print.
package rec

import "fmt"

var text []byte

// P prints a line of a program.
func P(program int, format string, args ...interface{}) {
	text = append(text, fmt.Sprintf("%d "+format+"\n", append([]interface{}{program}, args...)...)...)
}

// V notes that a variable is initialized.
func V(program int, name string, values ...int) int {
	n := len(name)
	for _, v := range values {
		n = n*3 + v
	}
	P(program, "set %s %d", name, n%1000)
	return n % 1000
}

func Text() string { return string(text) }
`

// program is the state of writing the programs of a group.
type program struct {
	seeds  []int
	seed   int // of the program to which features are added
	r      *rand.Rand
	pkgs   []*pkg
	shapes []shape // of unnamed structs, which all packages use
}

// pkg is a package of a program.
type pkg struct {
	*program
	index           int
	dir, path, name string
	old             bool
	imports         []*pkg
	decls, run      strings.Builder
	names           map[string]bool

	// Names that other packages can use.
	makers []string // functions that return any
	checks []string // functions from any to string
	types  []string // structs to embed; New+name makes one of an int
	ints   []string // functions from int to int
}

var pkgNames = []string{"util", "model", "store", "core", "types", "fmt2", "string_", "node"}

// generate writes the packages of a program, dependencies first.
func (w *program) generate() []*pkg {
	for range 2 + w.r.IntN(2) {
		w.shapes = append(w.shapes, w.shape())
	}
	n := 3 + w.r.IntN(2)
	for i := range n {
		k := &pkg{program: w, index: i, name: pkgNames[w.r.IntN(len(pkgNames))], names: map[string]bool{}}
		k.old = i == 0 || i == 1 && w.r.IntN(2) == 0 && w.pkgs[0].old
		if i == 0 && w.r.IntN(3) > 0 {
			k.old = false
		}
		k.path = fmt.Sprintf("example.com/r/p%d/%c", w.seeds[0], 'a'+i)
		k.dir = strings.TrimPrefix(k.path, "example.com/r/")
		if k.old {
			k.path = strings.Replace(k.path, "/r/", "/old/", 1)
			k.dir = "old/" + k.dir
		}
		for _, d := range w.pkgs {
			if (d.old || !k.old) && w.r.IntN(3) > 0 {
				k.imports = append(k.imports, d)
			}
		}
		for _, w.seed = range w.seeds {
			for range 5 + w.r.IntN(4) {
				features[w.r.IntN(len(features))](k)
			}
		}
		k.meet()
		w.pkgs = append(w.pkgs, k)
	}
	return w.pkgs
}

// text returns the file of a package.
func (k *pkg) text() string {
	rec := "example.com/r/rec"
	if k.old {
		rec = "example.com/old/rec"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"fmt\"\n\n\t%q\n", k.name, rec)
	for _, d := range k.imports {
		fmt.Fprintf(&b, "\t%s %q\n", d.alias(), d.path)
	}
	b.WriteString(")\n\nvar _ = fmt.Sprint\n\n")
	for _, d := range k.imports {
		fmt.Fprintf(&b, "var _ = %s.Run\n\n", d.alias())
	}
	fmt.Fprintf(&b, "%s\nfunc Run() {\n%s\trec.P(%d, \"end of %d\")\n}\n", k.decls.String(), k.run.String(), k.seed, k.index)
	return b.String()
}

// alias returns the name under which other packages import k.
func (k *pkg) alias() string { return fmt.Sprintf("%sP%d", k.name, k.index) }

// id returns an unused name. It is mostly one of a few names, which other packages use
// too.
func (k *pkg) id(bases ...string) string {
	base := bases[k.r.IntN(len(bases))]
	for i := 0; ; i++ {
		name := base
		if i > 0 {
			name = fmt.Sprint(base, i)
		}
		if !k.names[name] && name != "Run" {
			k.names[name] = true
			return name
		}
	}
}

// unique returns a name that no other package of any program has. Embedded types need
// one, because their name is a field's name.
func (k *pkg) unique(base string) string {
	return k.id(fmt.Sprintf("%s%d%c", base, k.seeds[0], 'a'+k.index))
}

func (k *pkg) decl(format string, args ...any) { fmt.Fprintf(&k.decls, format+"\n\n", args...) }

func (k *pkg) stmt(format string, args ...any) { fmt.Fprintf(&k.run, "\t"+format+"\n", args...) }

// print prints an expression with %+v.
func (k *pkg) print(exprs ...string) {
	for _, e := range exprs {
		k.stmt("rec.P(%d, %q, %s)", k.seed, "%+v", e)
	}
}

func (w *program) pick(list ...string) string { return list[w.r.IntN(len(list))] }

func (w *program) yes() bool { return w.r.IntN(2) == 0 }
