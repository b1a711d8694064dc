// Command gradients prints a network as JSON for gradients.py: its nodes in order, with
// the parameters of their operations.
//
//	go run ./dev/golden/gradients seresnext50_32x4d 96
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// classes is the number of classes of the reference networks.
const classes = 1103

// node is an nn.Node, its inputs by number.
type node struct {
	*nn.Node
	Op     string
	In     []int
	Shared *struct{} `json:",omitempty"` // hides the pointer; the name identifies the node
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gradients:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want an architecture and a size, got %q", args)
	}
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	a, err := arch.Find(arch.All(), args[0])
	if err != nil {
		return err
	}
	g, err := a.Build(arch.Config{InputSize: size, Classes: classes})
	if err != nil {
		return err
	}
	nodes := make([]node, len(g.Nodes))
	for i, n := range g.Nodes {
		nodes[i] = node{Node: n, Op: n.Op.String(), In: []int{}}
		for _, in := range n.In {
			nodes[i].In = append(nodes[i].In, in.ID)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"nodes": nodes, "params": g.Params(), "output": g.Output.ID})
}
