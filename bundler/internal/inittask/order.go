// Package inittask finds the order in which gc's linker initialises the
// packages of a program.
//
// The order is neither depth first nor "sorted imports": the linker keeps the
// packages whose imports are all done in a heap, and takes the lexically
// smallest (cmd/link/internal/ld/inittask.go). Packages that have nothing to
// initialise don't count, which only the compiler knows; [Has] reads it out of
// the compiled package.
//
//	for _, i := range inittask.Order(nodes) {
//		fmt.Println(nodes[i].Path)
//	}
//
// The package refuses object files of another format than Go 1.20 to 1.26 have.
package inittask

import "container/heap"

// Package is a node of the import graph.
type Package struct {
	// Path is the import path as the compiler knows it: "main" for the main
	// package.
	Path string
	// Imports are the indexes of the directly imported packages.
	Imports []int
	// Task says whether the package itself has something to initialise, see
	// [Has].
	Task bool
}

// Order returns the indexes of the packages in the order of their
// initialisation. Packages without a task come where they delay nobody: right
// before the first package that imports them.
func Order(pkgs []Package) []int {
	waiting := make([]int, len(pkgs)) // imports with a task that aren't done
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
