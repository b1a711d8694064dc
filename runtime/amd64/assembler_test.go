package amd64_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

func Example() {
	var a amd64.Assembler
	loop := a.NewLabel()
	a.Bind(loop)
	a.VFMADD231PS(amd64.Z(8), amd64.Z(2), amd64.At(amd64.RDI).Plus(64))
	a.DEC(amd64.RSI)
	a.JNZ(loop)
	a.RET()
	code, err := a.Bytes()
	fmt.Printf("%x %v\n", code, err)
	// Output: 62726d48b8470148ffce75f4c3 <nil>
}

func TestWrongOperandsAreRefusedWithInstructionAndReason(t *testing.T) {
	tests := []struct {
		emit func(a *amd64.Assembler)
		want string
	}{
		{func(a *amd64.Assembler) { a.VADDPS(amd64.Z(1), amd64.Y(2), amd64.Z(3)) }, "VADDPS zmm1, ymm2, zmm3: ymm2 has the wrong width"},
		{func(a *amd64.Assembler) { a.VADDPS(amd64.Z(32), amd64.Z(2), amd64.Z(3)) }, "VADDPS zmm32, zmm2, zmm3: there is no such register"},
		{func(a *amd64.Assembler) { a.VADDPS(amd64.Z(-1), amd64.Z(2), amd64.Z(3)) }, "there is no such register"},
		{func(a *amd64.Assembler) { a.VADDPS(amd64.Z(1), amd64.Z(2).Mask(amd64.K1), amd64.Z(3)) }, "only the destination takes a mask"},
		{func(a *amd64.Assembler) { a.VADDPS(amd64.Z(1).Mask(amd64.K0), amd64.Z(2), amd64.Z(3)) }, "only k1 to k7 can mask"},
		{func(a *amd64.Assembler) { a.VPERMPS(amd64.X(1), amd64.X(2), amd64.X(3)) }, "VPERMPS xmm1, xmm2, xmm3: no form of this width"},
		{func(a *amd64.Assembler) { a.VHADDPS(amd64.Y(1), amd64.Y(2), amd64.Y(16)) }, "VHADDPS ymm1, ymm2, ymm16: the instruction has no EVEX form"},
		{func(a *amd64.Assembler) { a.VPSHUFB(amd64.Y(1), amd64.Y(2), amd64.At(amd64.RAX).Broadcast()) }, "VPSHUFB ymm1, ymm2, [rax]{1toN}: the instruction cannot broadcast"},
		{func(a *amd64.Assembler) { a.VMOVUPS(amd64.At(amd64.RAX), amd64.At(amd64.RBX)) }, "VMOVUPS [rax], [rbx]: both operands are memory"},
		{func(a *amd64.Assembler) { a.VMOVUPS(amd64.X(1), amd64.At(amd64.RAX).Index(amd64.RSP, 1)) }, "index, scale or displacement"},
		{func(a *amd64.Assembler) { a.VMOVUPS(amd64.X(1), amd64.At(amd64.RAX).Index(amd64.RCX, 3)) }, "index, scale or displacement"},
		{func(a *amd64.Assembler) { a.VMOVUPS(amd64.X(1), amd64.At(amd64.RAX).Plus(1<<31)) }, "index, scale or displacement"},
		{func(a *amd64.Assembler) { a.VMOVUPS(amd64.X(1), amd64.At(amd64.EAX)) }, "base is no 64-bit register"},
		{func(a *amd64.Assembler) { a.ADD(amd64.RAX, amd64.ECX) }, "ADD ecx, rax: the registers differ in size"},
		{func(a *amd64.Assembler) { a.ADD(amd64.RAX, amd64.Imm(1<<32)) }, "ADD rax, 4294967296: no form"},
		{func(a *amd64.Assembler) { a.SHL(amd64.EAX, amd64.Imm(32)) }, "SHL eax, 32: the count"},
		{func(a *amd64.Assembler) { a.KMOVW(amd64.RAX, amd64.RCX) }, "KMOVW rax, rcx: no form"},
		{func(a *amd64.Assembler) { a.JMP(3) }, "JMP L3: it is no label"},
		{func(a *amd64.Assembler) { a.JMP(a.NewLabel()) }, "L0 is used but not bound"},
		{func(a *amd64.Assembler) { l := a.NewLabel(); a.Bind(l); a.Bind(l) }, "L0 is bound twice"},
		{func(a *amd64.Assembler) { a.Align(3) }, "aligning to 3"},
	}
	for _, test := range tests {
		var a amd64.Assembler
		test.emit(&a)
		a.RET()
		if code, err := a.Bytes(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %x, %v", test.want, code, err)
		}
	}
}

func TestTheFirstErrorIsKept(t *testing.T) {
	var a amd64.Assembler
	a.VADDPS(amd64.Z(1), amd64.Y(2), amd64.Z(3))
	a.INC(amd64.Reg(77))
	if _, err := a.Bytes(); err == nil || !strings.Contains(err.Error(), "VADDPS") {
		t.Error(err)
	}
}

// wild returns an operand that may be none at all.
func wild(r *rand.Rand, t reflect.Type) any {
	switch t {
	case reflect.TypeFor[amd64.Reg]():
		return amd64.Reg(r.IntN(256))
	case reflect.TypeFor[amd64.Mask]():
		return amd64.Mask(r.IntN(256))
	case reflect.TypeFor[amd64.Vec]():
		v := amd64.Width(r.IntN(256)).Reg(int(int32(r.Uint32())))
		if r.IntN(2) == 0 {
			v = amd64.Width(r.IntN(4)).Reg(r.IntN(40) - 2)
		}
		if r.IntN(3) == 0 {
			v = v.Zero(amd64.Mask(r.IntN(256)))
		}
		return v
	case reflect.TypeFor[amd64.Mem]():
		m := amd64.At(amd64.Reg(r.IntN(40)))
		if r.IntN(3) == 0 {
			m = amd64.Data(amd64.Label(r.IntN(5) - 2))
		}
		if r.IntN(2) == 0 {
			m = m.Index(amd64.Reg(r.IntN(40)), r.IntN(12)-2)
		}
		if r.IntN(4) == 0 {
			m = m.Broadcast()
		}
		if r.IntN(4) == 0 {
			m = m.Mask(amd64.Mask(r.IntN(256)))
		}
		return m.Plus(int(r.Uint64() >> r.IntN(64)))
	case reflect.TypeFor[amd64.Label]():
		return amd64.Label(r.IntN(8) - 4)
	}
	return operand(r, t)
}

// Every method takes all operands that its types allow without a panic, and the
// result is either code or an error.
func FuzzOperands(f *testing.F) {
	f.Add(uint64(1))
	methods := reflect.TypeFor[*amd64.Assembler]()
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		for range 300 {
			a := new(amd64.Assembler)
			l := a.NewLabel()
			if r.IntN(2) == 0 {
				a.Bind(l)
			}
			m := methods.Method(r.IntN(methods.NumMethod()))
			args := []reflect.Value{reflect.ValueOf(a)}
			for i := 1; i < m.Type.NumIn(); i++ {
				switch in := m.Type.In(i); in.Kind() {
				case reflect.Int:
					args = append(args, reflect.ValueOf(int(int32(r.Uint32()))))
				case reflect.Slice:
					args = append(args, reflect.Zero(in.Elem()))
				case reflect.Interface:
					kinds := []reflect.Type{reflect.TypeFor[amd64.Reg](), reflect.TypeFor[amd64.Vec](), reflect.TypeFor[amd64.Mem](), reflect.TypeFor[amd64.Mask](), reflect.TypeFor[amd64.Imm](), reflect.TypeFor[amd64.Label]()}
					for o := reflect.Value(reflect.Zero(in)); ; {
						if k := kinds[r.IntN(len(kinds))]; k.Implements(in) {
							o = reflect.ValueOf(wild(r, k))
						}
						if o.IsValid() && o.Kind() != reflect.Interface {
							args = append(args, o)
							break
						}
						if r.IntN(50) == 0 { // no operand
							args = append(args, reflect.Zero(in))
							break
						}
					}
				default:
					args = append(args, reflect.ValueOf(wild(r, in)))
				}
			}
			m.Func.Call(args)
			if code, err := a.Bytes(); err == nil && len(code) > 4096 {
				t.Errorf("%s: %d bytes", m.Name, len(code))
			}
		}
	})
}

func TestEmittingAllocatesOnlyTheCode(t *testing.T) {
	var a amd64.Assembler
	emit := func() {
		a.VFMADD231PS(amd64.Z(8), amd64.Z(2), amd64.At(amd64.RDI).Index(amd64.RCX, 4).Plus(64).Broadcast())
		a.VMOVUPS(amd64.At(amd64.RDI), amd64.Z(8))
		a.ADD(amd64.RDI, amd64.Imm(64))
		a.VCMPPS(amd64.K1, amd64.Z(1), amd64.Z(2), amd64.Less)
	}
	for range 10000 {
		emit() // the code grows to its capacity
	}
	if n := testing.AllocsPerRun(100, emit); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// jumps emits a program of jumps over n blocks of so many bytes.
func jumps(r *rand.Rand, a *amd64.Assembler, text *strings.Builder) {
	const blocks = 60
	var labels []amd64.Label
	for range blocks {
		labels = append(labels, a.NewLabel())
	}
	for i := range blocks {
		a.Bind(labels[i])
		fmt.Fprintf(text, "L%d:\n", i)
		for range r.IntN(12) {
			a.MOV(amd64.EAX, amd64.Imm(i))
			fmt.Fprintf(text, "mov eax, %d\n", i)
		}
		to := labels[min(max(i+r.IntN(9)-4, 0), blocks-1)]
		switch r.IntN(4) {
		case 0:
			a.JMP(to)
			fmt.Fprintf(text, "jmp %v\n", to)
		case 1:
			a.JNZ(to)
			fmt.Fprintf(text, "jnz %v\n", to)
		case 2:
			a.JG(to)
			fmt.Fprintf(text, "jg %v\n", to)
		default:
			a.VBROADCASTSS(amd64.Y(3), amd64.Data(to).Plus(8))
			fmt.Fprintf(text, "vbroadcastss ymm3, [rip+%v+8]\n", to)
			a.VCMPPS(amd64.K1, amd64.Z(1), amd64.Data(to), 1)
			fmt.Fprintf(text, "vcmpps k1, zmm1, [rip+%v], 1\n", to)
		}
	}
}

func TestJumpsAreAsShortAsThoseOfGNUAs(t *testing.T) {
	if _, err := exec.LookPath("objcopy"); err != nil {
		t.Skip("GNU binutils aren't here")
	}
	dir := t.TempDir()
	source, object, binary := filepath.Join(dir, "a.s"), filepath.Join(dir, "a.o"), filepath.Join(dir, "a.bin")
	for seed := range uint64(8) {
		var a amd64.Assembler
		var text strings.Builder
		text.WriteString(".intel_syntax noprefix\n")
		jumps(rand.New(rand.NewPCG(seed, 1)), &a, &text)
		code, err := a.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(source, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"as", "-o", object, source}, {"objcopy", "-O", "binary", "-j", ".text", object, binary}} {
			if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", command, err, out)
			}
		}
		want, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		if string(code) != string(want) {
			t.Errorf("seed %d: %d bytes that differ from GNU as's %d", seed, len(code), len(want))
		}
	}
}

func TestAlignmentsHoldWhateverTheJumpsBefore(t *testing.T) {
	for gap := range 200 {
		var a amd64.Assembler
		end, data := a.NewLabel(), a.NewLabel()
		a.JMP(end)
		for range gap {
			a.RET()
		}
		a.Align(32)
		a.Bind(end)
		a.VMOVUPS(amd64.Y(1), amd64.Data(data))
		a.Align(64)
		a.Bind(data)
		a.Float32s(1.5)
		a.Uint32s(7)
		code, err := a.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if len(code)%64 != 8 {
			t.Fatalf("gap %d: data ends at %d", gap, len(code))
		}
		tail := code[len(code)-8:]
		if bits := math.Float32bits(1.5); tail[3] != byte(bits>>24) || tail[4] != 7 {
			t.Fatalf("gap %d: data %x", gap, tail)
		}
	}
}
