// Package inittask computes the order in which gc's linker initializes the packages
// of a program.
//
// The linker keeps the packages whose imports are initialized in a heap, and takes
// the lexically smallest (cmd/link/internal/ld/inittask.go). It ignores packages that
// have nothing to initialize. Only the compiler knows these; [Has] reads it from the
// compiled package.
//
//	for _, i := range inittask.Order(nodes) {
//		fmt.Println(nodes[i].Path)
//	}
//
// The package reads the object files of Go 1.20 to 1.26 and refuses other formats.
package inittask

import "container/heap"

// A Package is a node of the import graph.
type Package struct {
	// Path is the import path for the compiler, which is "main" for the main package.
	Path string
	// Imports has the indexes of the directly imported packages.
	Imports []int
	// Task reports whether the package has something to initialize; see [Has].
	Task bool
}

// Order returns the indexes of the packages in the order of initialization. A package
// without a task comes right before the first package that imports it.
func Order(pkgs []Package) []int {
	waiting := make([]int, len(pkgs)) // number of imports with a task that aren't in the order yet
	importers := make([][]int, len(pkgs))
	ready := &lexical{}
	for i, p := range pkgs {
		if !p.Task {
			continue
		}
		for _, d := range p.Imports {
			if pkgs[d].Task {
				waiting[i]++
				importers[d] = append(importers[d], i)
			}
		}
		if waiting[i] == 0 {
			heap.Push(ready, entry{symbol(p.Path), i})
		}
	}
	order := make([]int, 0, len(pkgs))
	placed := make([]bool, len(pkgs))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		for _, d := range pkgs[i].Imports {
			if !pkgs[d].Task {
				place(d)
			}
		}
		order = append(order, i)
	}
	for ready.Len() > 0 {
		i := heap.Pop(ready).(entry).index
		place(i)
		for _, p := range importers[i] {
			if waiting[p]--; waiting[p] == 0 {
				heap.Push(ready, entry{symbol(pkgs[p].Path), p})
			}
		}
	}
	for i := range pkgs {
		place(i)
	}
	return order
}

type entry struct {
	symbol string
	index  int
}

// A lexical is a heap of packages by symbol.
type lexical []entry

func (h lexical) Len() int           { return len(h) }
func (h lexical) Less(i, j int) bool { return h[i].symbol < h[j].symbol }
func (h lexical) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lexical) Push(x any)        { *h = append(*h, x.(entry)) }

func (h *lexical) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
