package onnx

import (
	"fmt"
	"strings"
)

// scope holds the values that a graph defines, and the scope around it.
type scope struct {
	// maker holds the index of the node that makes a value, or -1 for inputs and
	// initializers.
	maker map[string]int
	outer *scope
}

func (s *scope) defined(name string) bool {
	for ; s != nil; s = s.outer {
		if _, ok := s.maker[name]; ok {
			return true
		}
	}
	return false
}

// sortGraph sorts the nodes of a graph and of the graphs within it. It refuses values
// that are made twice, values that nothing makes, and cycles.
func sortGraph(g *Graph, outer *scope) error {
	s := &scope{map[string]int{}, outer}
	define := func(name string, maker int) error {
		if _, ok := s.maker[name]; ok {
			return fmt.Errorf("the value %q is made twice", shorten(name))
		}
		s.maker[name] = maker
		return nil
	}
	for _, v := range g.Inputs {
		if err := define(v.Name, -1); err != nil {
			return err
		}
	}
	for _, t := range g.Initializers {
		if err := define(t.Name, -1); err != nil {
			return err
		}
	}
	for i, n := range g.Nodes {
		for _, name := range n.Outputs {
			if name == "" {
				continue
			}
			if err := define(name, i); err != nil {
				return fmt.Errorf("%v: %w", n, err)
			}
		}
	}
	for _, v := range g.Outputs {
		if !s.defined(v.Name) {
			return fmt.Errorf("nothing makes the output %q", shorten(v.Name))
		}
	}
	uses := make([][]int, len(g.Nodes))
	for i, n := range g.Nodes {
		names := n.Inputs
		for _, a := range n.Attributes {
			if a.Graph == nil {
				continue
			}
			if err := sortGraph(a.Graph, s); err != nil {
				return fmt.Errorf("%v: graph of %s: %w", n, a.Name, err)
			}
			names = appendCaptured(names[:len(names):len(names)], a.Graph)
		}
		for _, name := range names {
			if name != "" && !s.defined(name) {
				return fmt.Errorf("%v uses %q, which nothing makes", n, shorten(name))
			}
			if maker, ok := s.maker[name]; ok && maker >= 0 {
				uses[i] = append(uses[i], maker)
			}
		}
	}
	order, cycle := topological(uses)
	if cycle != nil {
		var names []string
		for _, i := range cycle[:min(len(cycle), 5)] {
			names = append(names, g.Nodes[i].String())
		}
		return fmt.Errorf("the nodes form a cycle: %s use each other's outputs", strings.Join(names, ", "))
	}
	sorted := make([]*Node, len(order))
	for at, i := range order {
		sorted[at] = g.Nodes[i]
	}
	g.Nodes = sorted
	return nil
}

// appendCaptured appends the names that a graph may take from outside: all that its
// nodes and outputs use.
func appendCaptured(to []string, g *Graph) []string {
	own := map[string]bool{"": true}
	for _, v := range g.Inputs {
		own[v.Name] = true
	}
	for _, t := range g.Initializers {
		own[t.Name] = true
	}
	for _, n := range g.Nodes {
		for _, name := range n.Outputs {
			own[name] = true
		}
	}
	var used []string
	for _, v := range g.Outputs {
		used = append(used, v.Name)
	}
	for _, n := range g.Nodes {
		used = append(used, n.Inputs...)
		for _, a := range n.Attributes {
			if a.Graph != nil {
				used = appendCaptured(used, a.Graph)
			}
		}
	}
	for _, name := range used {
		if !own[name] {
			to = append(to, name)
		}
	}
	return to
}

// topological orders indices so that each follows those that it uses. It keeps the
// given order where it can. If that is impossible, it returns a cycle.
func topological(uses [][]int) (order, cycle []int) {
	const (
		unseen = iota
		open
		done
	)
	state := make([]uint8, len(uses))
	at := make([]int, len(uses)) // the next entry of uses to look at
	var stack []int
	for start := range uses {
		if state[start] == unseen {
			stack = append(stack, start)
			state[start] = open
		}
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			if at[i] == len(uses[i]) {
				state[i] = done
				order, stack = append(order, i), stack[:len(stack)-1]
				continue
			}
			j := uses[i][at[i]]
			at[i]++
			switch state[j] {
			case unseen:
				state[j] = open
				stack = append(stack, j)
			case open:
				for k, v := range stack {
					if v == j {
						return nil, stack[k:]
					}
				}
			}
		}
	}
	return order, nil
}
