// Product assembles a function, runs it and prints its result.
package main

import (
	"fmt"
	"log"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// product is the argument: two factors, and their product.
type product struct {
	X, Y *float32
	XY   float32
}

func main() {
	var a amd64.Assembler
	a.MOV(amd64.RBX, amd64.At(amd64.RAX))
	a.VMOVSS(amd64.X(1), amd64.At(amd64.RBX))
	a.MOV(amd64.RBX, amd64.At(amd64.RAX).Plus(8))
	a.VMULSS(amd64.X(1), amd64.X(1), amd64.At(amd64.RBX))
	a.VMOVSS(amd64.At(amd64.RAX).Plus(16), amd64.X(1))
	machinecode.Return(&a)
	code, err := a.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	f, err := machinecode.Load[product]("product", code)
	if err != nil {
		log.Fatal(err)
	}
	x, y := float32(6), float32(7)
	p := &product{X: &x, Y: &y}
	f(p)
	fmt.Println(p.XY)
	cpu, err := machinecode.Detect()
	fmt.Println(cpu.Vendor != "", err)
}
