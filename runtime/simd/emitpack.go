package simd

import (
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// emitGather writes Set.Gather. It copies several planes at once, because the caches
// prefetch several streams in parallel:
//
//	for plane := 0; plane < g.Planes; plane += n {
//		for p := range g.Pixels {
//			copy n planes' values of pixel p, or scale, shift and limit them
//		}
//	}
func emitGather(width amd64.Width, set string, scaled bool) (func(*Gather), error) {
	streams := 4
	if scaled && width == amd64.YMM {
		streams = 2 // each takes six registers
	}
	var g Gather
	e := emit.New(width)
	x, y, step, pixel := amd64.RBX, amd64.RDI, amd64.RCX, amd64.RDX // of the planes, and bytes from one to the next
	at, from, to, p, planes, step3 := amd64.RSI, amd64.R8, amd64.R9, amd64.R10, amd64.R11, amd64.R12
	e.MOV(x, emit.Field(unsafe.Offsetof(g.X)))
	e.MOV(y, emit.Field(unsafe.Offsetof(g.Y)))
	e.MOV(step, emit.Field(unsafe.Offsetof(g.XStep)))
	e.SHL(step, amd64.Imm(2))
	e.LEA(step3, amd64.At(step).Index(step, 2))
	e.MOV(pixel, emit.Field(unsafe.Offsetof(g.YPixel)))
	e.SHL(pixel, amd64.Imm(2))
	e.MOV(at, emit.Field(unsafe.Offsetof(g.At)))
	e.MOV(planes, emit.Field(unsafe.Offsetof(g.Planes)))
	pass := func(n int) {
		plane, pixels, done := e.NewLabel(), e.NewLabel(), e.NewLabel()
		e.Bind(plane)
		e.CMP(planes, amd64.Imm(n))
		e.JL(done)
		if scaled {
			loadScales(e, n)
		}
		e.XOR(p.Low(), p.Low())
		e.MOV(to, y)
		e.Bind(pixels)
		e.MOVSLQ(from, amd64.At(at).Index(p, 4))
		e.LEA(from, amd64.At(x).Index(from, emit.Float))
		for s, source := range []amd64.Mem{amd64.At(from), amd64.At(from).Index(step, 1), amd64.At(from).Index(step, 2), amd64.At(from).Index(step3, 1)}[:n] {
			for part := range e.Parts() {
				v := e.V(s*e.Parts() + part)
				e.VMOVUPS(v, source.Plus(part*e.Width.Bytes()))
				if scaled {
					scale, shift := scalesOf(e, n, s*e.Parts()+part)
					e.VFMADD213PS(v, scale, shift)
					e.Above(v, e.V(gatherFloor(e)))
				}
				e.VMOVUPS(amd64.At(to).Plus(s*emit.Pixel+part*e.Width.Bytes()), v)
			}
		}
		e.ADD(to, pixel)
		e.INC(p)
		e.CMP(p, emit.Field(unsafe.Offsetof(g.Pixels)))
		e.JL(pixels)
		for range n {
			e.ADD(x, step)
		}
		e.ADD(y, amd64.Imm(n*emit.Pixel))
		e.SUB(planes, amd64.Imm(n))
		e.JMP(plane)
		e.Bind(done)
	}
	if scaled {
		e.VBROADCASTSS(e.V(gatherFloor(e)), emit.Field(unsafe.Offsetof(g.Floor)))
	}
	pass(streams)
	pass(1)
	name := set + "-gather"
	if scaled {
		name += "-scaled"
	}
	return emit.Function[Gather](e, name)
}

// gatherFloor is the number of the register that holds the floor.
func gatherFloor(e *emit.Emitter) int { return e.Registers() - 1 }

// scalesOf returns the scale and the shift of a register of n planes' values. They are
// in the registers behind the values.
func scalesOf(e *emit.Emitter, n, register int) (scale, shift amd64.Vec) {
	values := n * e.Parts()
	return e.V(values + register), e.V(2*values + register)
}

// loadScales loads the scales and shifts of n planes.
func loadScales(e *emit.Emitter, n int) {
	var g Gather
	at, step := amd64.R13, amd64.R8
	e.MOV(step, emit.Field(unsafe.Offsetof(g.ScaleStep)))
	e.MOV(at, emit.Field(unsafe.Offsetof(g.scale)))
	for s := range n {
		for part := range e.Parts() {
			scale, _ := scalesOf(e, n, s*e.Parts()+part)
			e.VMOVUPS(scale, amd64.At(at).Plus(part*e.Width.Bytes()))
		}
		e.LEA(at, amd64.At(at).Index(step, emit.Float))
	}
	e.MOV(emit.Field(unsafe.Offsetof(g.scale)), at)
	e.MOV(at, emit.Field(unsafe.Offsetof(g.shift)))
	for i := range n * e.Parts() {
		_, shift := scalesOf(e, n, i)
		e.VMOVUPS(shift, amd64.At(at).Plus(i*e.Width.Bytes()))
	}
	e.ADD(at, amd64.Imm(n*emit.Pixel))
	e.MOV(emit.Field(unsafe.Offsetof(g.shift)), at)
}

// gather returns Set.Gather from the routines for jobs without and with scales.
func gather(plain, scaled func(*Gather)) func(*Gather) {
	return func(g *Gather) {
		if g.Scale == nil {
			plain(g)
			return
		}
		g.ScaleStep = step(g.ScaleStep)
		if len(g.Scale) < (g.Planes-1)*g.ScaleStep+Lanes || len(g.Shift) < g.Planes*Lanes {
			panic("simd: internal error: a job of packing has too few scales")
		}
		g.scale, g.shift = uintptr(unsafe.Pointer(unsafe.SliceData(g.Scale))), uintptr(unsafe.Pointer(unsafe.SliceData(g.Shift)))
		scaled(g)
	}
}

// emitStrassen writes Set.Strassen: one loop over the planes that all matrices have,
// and one over the last plane if the right matrices lack it.
func emitStrassen(width amd64.Width, set string) (func(*Strassen), error) {
	var s Strassen
	e := emit.New(width)
	x, y, right, step := amd64.RBX, amd64.RDI, amd64.RCX, amd64.RDX // right: bytes to the right half; step: between matrices
	upper, lower, to, p, plane, step3 := amd64.RSI, amd64.R8, amd64.R9, amd64.R10, amd64.R11, amd64.R12
	table := amd64.R13
	e.MOV(x, emit.Field(unsafe.Offsetof(s.X)))
	e.MOV(y, emit.Field(unsafe.Offsetof(s.Y)))
	e.MOV(right, emit.Field(unsafe.Offsetof(s.XStep)))
	e.IMUL(right, emit.Field(unsafe.Offsetof(s.Left)))
	e.SHL(right, amd64.Imm(2))
	e.MOV(step, emit.Field(unsafe.Offsetof(s.YStep)))
	e.SHL(step, amd64.Imm(2))
	e.LEA(step3, amd64.At(step).Index(step, 2))
	e.XOR(plane.Low(), plane.Low())
	loop := func(end uintptr, both bool) {
		planes, pixels, done := e.NewLabel(), e.NewLabel(), e.NewLabel()
		e.Bind(planes)
		e.CMP(plane, emit.Field(end))
		e.JGE(done)
		e.XOR(p.Low(), p.Low())
		e.MOV(to, y)
		e.Bind(pixels)
		e.MOV(table, emit.Field(unsafe.Offsetof(s.Upper)))
		e.MOVSLQ(upper, amd64.At(table).Index(p, 4))
		e.LEA(upper, amd64.At(x).Index(upper, emit.Float))
		e.MOV(table, emit.Field(unsafe.Offsetof(s.Lower)))
		e.MOVSLQ(lower, amd64.At(table).Index(p, 4))
		e.LEA(lower, amd64.At(x).Index(lower, emit.Float))
		e.LEA(table, amd64.At(to).Index(step, 4)) // the fifth matrix
		for part := range e.Parts() {
			bytes := part * e.Width.Bytes()
			a11, s1, s2, a12, t := e.V(0), e.V(1), e.V(2), e.V(3), e.V(4)
			e.VMOVUPS(a11, amd64.At(upper).Plus(bytes))
			e.VMOVUPS(s1, amd64.At(lower).Plus(bytes))
			e.VSUBPS(t, a11, s1)
			e.VMOVUPS(amd64.At(to).Plus(bytes), a11)
			e.VMOVUPS(amd64.At(table).Index(step, 1).Plus(bytes), t)
			if both {
				e.VMOVUPS(a12, amd64.At(upper).Index(right, 1).Plus(bytes))
				e.VMOVUPS(t, amd64.At(lower).Index(right, 1).Plus(bytes))
				e.VMOVUPS(amd64.At(to).Index(step, 1).Plus(bytes), a12)
				e.VMOVUPS(amd64.At(to).Index(step, 2).Plus(bytes), t)
				e.VADDPS(s1, s1, t)
			}
			e.VSUBPS(s2, s1, a11)
			e.VMOVUPS(amd64.At(to).Index(step3, 1).Plus(bytes), s1)
			e.VMOVUPS(amd64.At(table).Plus(bytes), s2)
			if both {
				e.VSUBPS(a12, a12, s2)
				e.VMOVUPS(amd64.At(table).Index(step, 2).Plus(bytes), a12)
			}
		}
		e.MOV(table, emit.Field(unsafe.Offsetof(s.YPixel)))
		e.LEA(to, amd64.At(to).Index(table, emit.Float))
		e.INC(p)
		e.CMP(p, emit.Field(unsafe.Offsetof(s.Pixels)))
		e.JL(pixels)
		e.MOV(table, emit.Field(unsafe.Offsetof(s.XStep)))
		e.LEA(x, amd64.At(x).Index(table, emit.Float))
		e.ADD(y, amd64.Imm(emit.Pixel))
		e.INC(plane)
		e.JMP(planes)
		e.Bind(done)
	}
	loop(unsafe.Offsetof(s.Right), true)
	loop(unsafe.Offsetof(s.Left), false)
	return emit.Function[Strassen](e, set+"-strassen")
}
