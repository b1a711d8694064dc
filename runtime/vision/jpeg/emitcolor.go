package jpeg

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// The emitters of colors compute 32 pixels a turn.
var (
	interleaveEmitter = rowEmitter{
		name: "interleave", step: 32, scale: 3, rows: 3, before: loadSelections,
		each: func(e *emit.Emitter) {
			for i, row := range []amd64.Reg{rowA, rowB, rowC} {
				e.VMOVDQU(e.V(i), amd64.At(row).Index(rowAt, 1))
			}
			storePixels(e)
		},
	}
	yCbCrToRGBEmitter = rowEmitter{
		name: "ycbcr-to-rgb", step: 32, scale: 3, rows: 3, before: loadSelections,
		each: func(e *emit.Emitter) {
			convert(e)
			storePixels(e)
		},
	}
)

// Registers of colors. The first three hold red, green and blue.
const (
	colorInput     = 3 // Y, Cb and Cr
	colorTemp      = 6 // seven registers
	colorSelection = 13
)

// convert computes colors. The halves of the samples become words in the lower and upper
// halves of each 128 bits. In 16 bits, the products would not fit, so the whole part of
// each factor is added on its own:
//
//	red = Y + Cr + (Cr*(crToR - 1<<16) + half) >> 16
//	green = Y - Cr + (Cb*cbToG + Cr*(crToG + 1<<16) + half) >> 16
//	blue = Y + 2*Cb + (Cb*(cbToB - 2<<16) + half) >> 16
func convert(e *emit.Emitter) {
	y, cb, cr := e.V(colorInput), e.V(colorInput+1), e.V(colorInput+2)
	middle := pattern(e, [16]byte{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128})
	e.VMOVDQU(y, amd64.At(rowA).Index(rowAt, 1))
	e.VMOVDQU(cb, amd64.At(rowB).Index(rowAt, 1))
	e.VMOVDQU(cr, amd64.At(rowC).Index(rowAt, 1))
	e.VPXOR(cb, cb, middle) // from 128 to 0
	e.VPXOR(cr, cr, middle)
	convertHalf(e, e.VPUNPCKLBW, [3]amd64.Vec{e.V(0), e.V(1), e.V(2)})
	convertHalf(e, e.VPUNPCKHBW, [3]amd64.Vec{y, cb, cr})
	for i := range 3 {
		e.VPACKUSWB(e.V(i), e.V(i), e.V(colorInput+i))
	}
}

// convertHalf computes the words of one half, which unpack selects. The results may be in
// the registers of the input.
func convertHalf(e *emit.Emitter, unpack func(d, x amd64.Vec, y amd64.VecMem), results [3]amd64.Vec) {
	temp := func(n int) amd64.Vec { return e.V(colorTemp + n) }
	y, cb, cr, cb2, cr2, t, u := temp(0), temp(1), temp(2), temp(3), temp(4), temp(5), temp(6)
	e.Zero(t)
	unpack(y, e.V(colorInput), t)
	unpack(cb, t, e.V(colorInput+1)) // times 256
	unpack(cr, t, e.V(colorInput+2))
	e.VPSRAW(cb2, cb, 7)
	e.VPSRAW(cr2, cr, 7)
	e.VPSRAW(cb, cb, 8)
	e.VPSRAW(cr, cr, 8)

	// The product of twice the sample is halved with rounding.
	rounded := func(d, twice amd64.Vec, factor int16) {
		e.VPMULHW(d, twice, repeatWord(e, uint16(factor)))
		e.VPADDW(d, d, repeatWord(e, 1))
		e.VPSRAW(d, d, 1)
	}
	rounded(t, cr2, crToR-1<<16)
	e.VPADDW(t, t, cr)
	e.VPADDW(results[0], t, y)
	rounded(t, cb2, cbToB-2<<16)
	e.VPADDW(t, t, cb2)
	e.VPADDW(results[2], t, y)

	factors := e.Repeat(uint32(uint16(cbToG&0xffff)) | uint32(crToG+1<<16)<<16)
	e.VPUNPCKLWD(t, cb, cr)
	e.VPUNPCKHWD(u, cb, cr)
	for _, v := range []amd64.Vec{t, u} {
		e.VPMADDWD(v, v, factors)
		e.VPADDD(v, v, e.Repeat(half))
		e.VPSRAD(v, v, 16)
	}
	e.VPACKSSDW(t, t, u)
	e.VPSUBW(t, t, cr)
	e.VPADDW(results[1], t, y)
}

// loadSelections loads, for each color, the bytes that are its own in the first of three
// registers of pixels. In the next one, they are those of the color before.
func loadSelections(e *emit.Emitter) {
	for color := range 3 {
		var bytes [16]byte
		for i := range bytes {
			if i%3 == color {
				bytes[i] = 0xff
			}
		}
		e.VMOVDQU(e.V(colorSelection+color), pattern(e, bytes))
	}
}

// storePixels interleaves red, green and blue. Each 128 bits of them are 48 bytes of
// pixels, three parts. A color's bytes have the same places modulo 16 in all parts: one
// shuffle brings them there, and each part selects its own.
func storePixels(e *emit.Emitter) {
	for color := range 3 {
		var places [16]byte
		for pixel := range 16 {
			places[(3*pixel+color)%16] = byte(pixel)
		}
		e.VPSHUFB(e.V(color), e.V(color), pattern(e, places))
	}
	part := func(n int) amd64.Vec { return e.V(colorInput + n) }
	for n := range 3 {
		// Byte i of the part is of color (16*n+i)%3.
		selection := func(color int) amd64.Vec { return e.V(colorSelection + (color+2*n)%3) }
		e.VPBLENDVB(part(n), e.V(0), e.V(1), selection(1))
		e.VPBLENDVB(part(n), part(n), e.V(2), selection(2))
	}
	for i, of := range [3]struct {
		first, second amd64.Vec
		halves        uint8
	}{{part(0), part(1), 0x20}, {part(2), part(0), 0x30}, {part(1), part(2), 0x31}} {
		e.VPERM2I128(e.V(colorTemp), of.first, of.second, of.halves)
		e.VMOVDQU(amd64.At(rowTo).Plus(32*i), e.V(colorTemp))
	}
}
