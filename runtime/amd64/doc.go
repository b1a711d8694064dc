// Package amd64 assembles machine code for 64-bit x86 processors.
//
//	var a amd64.Assembler
//	loop := a.NewLabel()
//	a.Bind(loop)
//	a.VBROADCASTSS(amd64.Z(2), amd64.At(amd64.RBX))
//	a.VFMADD231PS(amd64.Z(8), amd64.Z(2), amd64.At(amd64.RDI).Plus(64))
//	a.ADD(amd64.RBX, amd64.Imm(4))
//	a.DEC(amd64.RSI)
//	a.JNZ(loop)
//	a.RET()
//	code, err := a.Bytes()
//
// Methods carry the names of Intel's manual and take operands in its order, the
// destination first. Two families are named as in AT&T's syntax, because Intel's
// names leave the operand size to the operands: MOVZBL, MOVZWL, MOVSBL, MOVSWL
// and MOVSLQ extend, MOVB and MOVW store a part of a register.
//
// An instruction is encoded in its shortest form. A vector instruction gets the
// VEX prefix if that can express its operands, otherwise EVEX: for registers 16 to
// 31, 512 bits, masks and embedded broadcasts. Jumps are short where their target
// is near enough.
//
// # Refusals
//
// A method refuses operands that the instruction cannot have. The assembler keeps
// the first such error, which names instruction and operands, and [Assembler.Bytes]
// returns it. No method panics. The package does not check which extensions the
// processor has.
//
// Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
// The bytes of all forms equal GNU as's.
package amd64
