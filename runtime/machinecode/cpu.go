package machinecode

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

// CPU describes the processor. A feature counts as present if the processor has it
// and the system saves its registers.
type CPU struct {
	// Vendor is "GenuineIntel", "AuthenticAMD" or another name of 12 letters.
	Vendor string
	// Name is the marketing name, such as "AMD EPYC 7B12".
	Name string
	// Family and Model number the design, with their extensions.
	Family, Model int
	// L2 is the size in bytes of a core's second-level cache, or 0 if unknown.
	L2 int
	// AVX2 is present together with FMA, F16C, BMI1, BMI2, LZCNT and POPCNT.
	AVX2 bool
	// AVX512 stands for F, CD, BW, DQ and VL. It implies AVX2.
	AVX512 bool
}

// String returns the name with the family and model, which a virtual machine's name
// often hides.
func (c CPU) String() string {
	return fmt.Sprintf("%s (family %d, model %d)", c.Name, c.Family, c.Model)
}

// Detect returns the processor, or the error of [Load]. It asks once.
//
// On macOS, AVX512 is false on processors whose wide registers the system enables
// at their first use.
var Detect = sync.OnceValues(detect)

// query is the argument of the functions that ask the processor.
type query struct {
	leaf, part         uint32
	eax, ebx, ecx, edx uint32
}

// Bits of the feature words (Intel's manual, volume 2, "CPUID"; volume 1, section
// 13.3 for XCR0).
const (
	fma, popcnt, osxsave, avx, f16c = 1 << 12, 1 << 23, 1 << 27, 1 << 28, 1 << 29 // leaf 1, ECX

	bmi1, avx2, bmi2 = 1 << 3, 1 << 5, 1 << 8 // leaf 7, EBX

	avx512 = 1<<16 | 1<<17 | 1<<28 | 1<<30 | 1<<31 // leaf 7, EBX: F, DQ, CD, BW, VL

	lzcnt = 1 << 5 // leaf 0x80000001, ECX

	ymmState = 1<<1 | 1<<2
	zmmState = ymmState | 1<<5 | 1<<6 | 1<<7
)

func detect() (CPU, error) {
	cpuid, err := asking("cpuid", (*amd64.Assembler).CPUID)
	if err != nil {
		return CPU{}, err
	}
	xgetbv, err := asking("xgetbv", (*amd64.Assembler).XGETBV)
	if err != nil {
		return CPU{}, err
	}
	ask := func(leaf uint32) *query {
		q := &query{leaf: leaf, part: 0}
		cpuid(q)
		return q
	}
	var cpu CPU
	first := ask(0)
	cpu.Vendor = text(first.ebx, first.edx, first.ecx)
	version := ask(1)
	cpu.Family, cpu.Model = design(version.eax)
	extended := ask(0x80000000).eax
	if extended >= 0x80000004 {
		for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
			q := ask(leaf)
			cpu.Name += text(q.eax, q.ebx, q.ecx, q.edx)
		}
		cpu.Name = strings.TrimSpace(strings.ReplaceAll(cpu.Name, "\x00", ""))
	}
	if extended >= 0x80000006 {
		cpu.L2 = int(ask(0x80000006).ecx>>16) << 10
	}
	const needed = fma | popcnt | osxsave | avx | f16c
	if version.ecx&needed != needed || first.eax < 7 || extended < 0x80000001 || ask(0x80000001).ecx&lzcnt == 0 {
		return cpu, nil
	}
	state := new(query)
	xgetbv(state)
	features := ask(7).ebx
	has := func(bits, saved uint32) bool { return features&bits == bits && state.eax&saved == saved }
	cpu.AVX2 = has(bmi1|avx2|bmi2, ymmState)
	cpu.AVX512 = cpu.AVX2 && has(avx512, zmmState)
	return cpu, nil
}

// asking returns a function that loads EAX and ECX from a query, executes the
// instruction, and stores its results.
func asking(name string, instruction func(*amd64.Assembler)) (func(*query), error) {
	var a amd64.Assembler
	a.MOV(amd64.RDI, amd64.RAX)
	a.MOV(amd64.EAX, amd64.At(amd64.RDI))
	a.MOV(amd64.ECX, amd64.At(amd64.RDI).Plus(4))
	instruction(&a)
	for i, r := range []amd64.Reg{amd64.EAX, amd64.EBX, amd64.ECX, amd64.EDX} {
		a.MOV(amd64.At(amd64.RDI).Plus(8+4*i), r)
	}
	a.RET()
	code, err := a.Bytes()
	if err != nil {
		return nil, err
	}
	return Load[query](name, code)
}

// design returns family and model from the version of leaf 1.
func design(version uint32) (family, model int) {
	family, model = int(version>>8&15), int(version>>4&15)
	if family == 6 || family == 15 {
		model += int(version>>16&15) << 4
	}
	if family == 15 {
		family += int(version >> 20 & 255)
	}
	return family, model
}

// text returns the letters in registers.
func text(registers ...uint32) string {
	var b []byte
	for _, r := range registers {
		b = binary.LittleEndian.AppendUint32(b, r)
	}
	return string(b)
}
