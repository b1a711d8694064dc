package amd64_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

var update = flag.Bool("update", false, "renew the bytes in testdata with GNU as")

// instruction is one instruction in GNU's Intel syntax, and its bytes.
type instruction struct {
	method string
	text   string
	bytes  []byte
}

// other lists the methods that emit no single instruction with free operands.
var other = []string{"NewLabel", "Bind", "Align", "Float32s", "Uint32s", "Bytes"}

// each calls f with every method that emits an instruction without a label.
func each(f func(method reflect.Method)) {
	t := reflect.TypeFor[*amd64.Assembler]()
	for i := range t.NumMethod() {
		m := t.Method(i)
		jump := m.Type.NumIn() == 2 && m.Type.In(1) == reflect.TypeFor[amd64.Label]()
		if !jump && !slices.Contains(other, m.Name) {
			f(m)
		}
	}
}

// instructions returns up to so many instructions for each method and each
// combination of kinds of operands that it accepts.
func instructions(r *rand.Rand, perKind int) []instruction {
	var list []instruction
	each(func(m reflect.Method) {
		seen := map[string]int{}
		tries := 700
		if m.Type.NumIn() <= 1 {
			tries = 1
		}
		for range tries {
			args := make([]reflect.Value, m.Type.NumIn()-1)
			kinds := ""
			for i := range args {
				o := operand(r, m.Type.In(i+1))
				args[i] = reflect.ValueOf(o)
				kinds += kind(o)
			}
			if seen[kinds] >= perKind {
				continue
			}
			var a amd64.Assembler
			m.Func.Call(append([]reflect.Value{reflect.ValueOf(&a)}, args...))
			if code, err := a.Bytes(); err == nil {
				seen[kinds]++
				list = append(list, instruction{m.Name, gnu(m.Name, args), code})
			}
		}
	})
	return list
}

// operand returns a random operand for a parameter.
func operand(r *rand.Rand, t reflect.Type) any {
	pick := func(types ...reflect.Type) any { return operand(r, types[r.IntN(len(types))]) }
	reg, vec, mask, mem := reflect.TypeFor[amd64.Reg](), reflect.TypeFor[amd64.Vec](), reflect.TypeFor[amd64.Mask](), reflect.TypeFor[amd64.Mem]()
	switch t {
	case reg:
		return amd64.Reg(r.IntN(32))
	case mask:
		return amd64.Mask(r.IntN(8))
	case vec:
		return vector(r)
	case mem:
		return memory(r)
	case reflect.TypeFor[amd64.Imm]():
		return immediate(r)
	case reflect.TypeFor[uint8]():
		return uint8(r.IntN(256))
	case reflect.TypeFor[amd64.RegMem]():
		return pick(reg, mem)
	case reflect.TypeFor[amd64.VecMem]():
		return pick(vec, mem)
	case reflect.TypeFor[amd64.VecMask]():
		return pick(vec, mask)
	case reflect.TypeFor[amd64.Operand]():
		return pick(reg, mem, vec, mask, reflect.TypeFor[amd64.Imm]())
	}
	panic("no operands of type " + t.String())
}

func vector(r *rand.Rand) amd64.Vec {
	n := r.IntN(32)
	if r.IntN(2) == 0 {
		n = r.IntN(16)
	}
	v := amd64.Width(r.IntN(3)).Reg(n)
	switch r.IntN(8) {
	case 0:
		v = v.Mask(amd64.Mask(1 + r.IntN(7)))
	case 1:
		v = v.Zero(amd64.Mask(1 + r.IntN(7)))
	}
	return v
}

func memory(r *rand.Rand) amd64.Mem {
	index := amd64.Reg(r.IntN(16))
	if index == amd64.RSP {
		index = amd64.R13
	}
	m := amd64.At(amd64.Reg(r.IntN(16)))
	switch r.IntN(5) {
	case 0, 1:
		m = m.Index(index, 1<<r.IntN(4))
	case 2:
		m = amd64.Scaled(index, 2<<r.IntN(3))
	}
	// Around the largest one-byte displacements, with and without a unit.
	unit := 1 << r.IntN(7)
	switch r.IntN(5) {
	case 0:
		m = m.Plus(unit * [...]int{-129, -128, -1, 1, 127, 128}[r.IntN(6)])
	case 1:
		m = m.Plus(r.IntN(300) - 150)
	case 2:
		m = m.Plus(int(int32(r.Uint32())))
	}
	switch r.IntN(6) {
	case 0:
		m = m.Broadcast()
	case 1:
		m = m.Mask(amd64.Mask(1 + r.IntN(7)))
	}
	return m
}

func immediate(r *rand.Rand) amd64.Imm {
	switch r.IntN(5) {
	case 0:
		return amd64.Imm(r.IntN(256) - 128)
	case 1:
		return [...]amd64.Imm{0, 1, 127, 128, -128, -129, 1<<31 - 1, -1 << 31, 1<<32 - 1}[r.IntN(9)]
	case 2:
		return amd64.Imm(int32(r.Uint32()))
	case 3:
		return amd64.Imm(r.Uint64())
	}
	return amd64.Imm(r.IntN(64))
}

// kind returns the kind of an operand: those of one kind are encoded alike.
func kind(o any) string {
	text := fmt.Sprint(o)
	switch o := o.(type) {
	case amd64.Vec:
		part := text[:1]
		if strings.Contains(text, "{z}") {
			part += "z"
		} else if strings.Contains(text, "{") {
			part += "k"
		}
		return part + " "
	case amd64.Mem:
		part := "m"
		if strings.Contains(text, "1to") {
			part += "b"
		} else if strings.Contains(text, "{") {
			part += "k"
		}
		return part + " "
	case amd64.Reg:
		if o < amd64.EAX {
			return "r64 "
		}
		return "r32 "
	case amd64.Mask:
		return "k "
	}
	return "i "
}

// names holds GNU's mnemonics where ours differ, and the size of an operand in
// memory that they need.
var names = map[string]struct{ name, size string }{
	"MOVB": {"mov", "BYTE PTR "}, "MOVW": {"mov", "WORD PTR "},
	"MOVZBL": {"movzx", "BYTE PTR "}, "MOVZWL": {"movzx", "WORD PTR "},
	"MOVSBL": {"movsx", "BYTE PTR "}, "MOVSWL": {"movsx", "WORD PTR "},
	"MOVSLQ": {"movsxd", "DWORD PTR "}, "IMULI": {"imul", ""}, "VPERMILPSV": {"vpermilps", ""},
}

// eight matches the instructions that broadcast elements of 8 bytes.
var eight = regexp.MustCompile(`^VCVTT?PD2|^V([^PC].*|CMP)PD$|^VPERMPD$|([^D]|ADD|QD|ULUD)Q$`)

// gnu returns the instruction in GNU's Intel syntax.
func gnu(name string, args []reflect.Value) string {
	as, size := strings.ToLower(name), ""
	if n, ok := names[name]; ok {
		as, size = n.name, n.size
	}
	element := "DWORD BCST "
	if eight.MatchString(name) {
		element = "QWORD BCST "
	}
	var operands []string
	for _, v := range args {
		text := fmt.Sprint(v.Interface())
		switch o := v.Interface().(type) {
		case amd64.Mem:
			if before, after, ok := strings.Cut(text, "{1toN}"); ok {
				text = element + before + after
			} else {
				text = size + text
			}
		case amd64.Reg:
			// These take a part of the register, whatever its size.
			switch name {
			case "MOVB":
				text = part(o, "l", "b")
			case "MOVW":
				text = part(o, "", "w")
			case "SHL", "SHR", "SAR":
				if len(operands) == 1 {
					text = "cl"
				}
			case "KMOVQ", "VMOVQ", "VPEXTRQ", "VPINSRQ", "VPBROADCASTQ":
				text = (o &^ amd64.EAX).String()
			case "KMOVB", "KMOVW", "KMOVD", "VMOVD", "VPEXTRB", "VPEXTRW", "VPEXTRD", "VPINSRB", "VPINSRW", "VPINSRD",
				"VPBROADCASTB", "VPBROADCASTW", "VPBROADCASTD", "VMOVMSKPS", "VMOVMSKPD", "VPMOVMSKB":
				text = o.Low().String()
			}
		}
		operands = append(operands, text)
	}
	if strings.HasPrefix(as, "v") {
		as = "{load} " + as // keeps GNU as from swapping operands for a shorter prefix
	}
	return strings.TrimSpace(as + " " + strings.Join(operands, ", "))
}

// part returns the name of a register's part: low for the first eight registers,
// and a suffix for the others.
func part(r amd64.Reg, low, suffix string) string {
	name := r.Low().String()
	if strings.HasPrefix(name, "r") {
		return strings.TrimSuffix(name, "d") + suffix
	}
	name = name[1:]
	if low != "" {
		return strings.TrimSuffix(name, "x") + low
	}
	return name
}

// slot is more than the longest instruction.
const slot = 16

// filler fills the rest of a slot.
const filler = 0xcc

// assemble returns the bytes of GNU as for each text.
func assemble(t *testing.T, list []instruction) [][]byte {
	t.Helper()
	dir := t.TempDir()
	source, object, binary := filepath.Join(dir, "a.s"), filepath.Join(dir, "a.o"), filepath.Join(dir, "a.bin")
	var text strings.Builder
	text.WriteString(".intel_syntax noprefix\n")
	for _, i := range list {
		fmt.Fprintf(&text, "%s\n.balign %d, %#x\n", i.text, slot, filler)
	}
	if err := os.WriteFile(source, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("as", "-o", object, source).CombinedOutput(); err != nil {
		t.Fatalf("as: %v\n%.3000s", err, report(string(out), list))
	}
	if out, err := exec.Command("objcopy", "-O", "binary", "-j", ".text", object, binary).CombinedOutput(); err != nil {
		t.Fatalf("objcopy: %v\n%s", err, out)
	}
	code, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if len(code) != slot*len(list) {
		t.Fatalf("as made %d bytes for %d instructions", len(code), len(list))
	}
	var all [][]byte
	for i := range list {
		all = append(all, trim(code[i*slot:][:slot]))
	}
	return all
}

// report adds the instructions to messages of as, which name lines.
func report(out string, list []instruction) string {
	var text strings.Builder
	for _, line := range strings.Split(out, "\n") {
		var n int
		if _, rest, ok := strings.Cut(line, "a.s:"); ok {
			if _, err := fmt.Sscanf(rest, "%d:", &n); err == nil && n >= 2 && n/2-1 < len(list) {
				line += "  << " + list[n/2-1].text
			}
		}
		text.WriteString(line + "\n")
	}
	return text.String()
}

// trim removes the filler. It may remove the instruction's last byte with it.
func trim(code []byte) []byte {
	for len(code) > 0 && code[len(code)-1] == filler {
		code = code[:len(code)-1]
	}
	return code
}

const golden = "testdata/instructions.txt"

// The golden file has GNU as's bytes for a few instructions of each form.
func TestBytesEqualTheGoldensOfGNUAs(t *testing.T) {
	list := instructions(rand.New(rand.NewPCG(1, 2)), 2)
	each(func(m reflect.Method) {
		if !slices.ContainsFunc(list, func(i instruction) bool { return i.method == m.Name }) {
			t.Errorf("no operands for %s", m.Name)
		}
	})
	if *update {
		var text strings.Builder
		for i, code := range assemble(t, list) {
			fmt.Fprintf(&text, "%x\t%s\n", code, list[i].text)
		}
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != len(list) {
		t.Fatalf("%s has %d instructions, the test makes %d: renew it with -update", golden, len(lines), len(list))
	}
	for i, line := range lines {
		code, text, _ := strings.Cut(line, "\t")
		if text != list[i].text {
			t.Fatalf("line %d of %s is %q, the test makes %q: renew it with -update", i+1, golden, text, list[i].text)
		}
		if got := hex.EncodeToString(trim(list[i].bytes)); got != code {
			t.Errorf("%s: %s, GNU as makes %s", text, got, code)
		}
	}
}

// Where GNU as is, it checks many more operands.
func TestBytesEqualGNUAs(t *testing.T) {
	for _, tool := range []string{"as", "objcopy"} {
		if _, err := exec.LookPath(tool); errors.Is(err, exec.ErrNotFound) {
			t.Skipf("%s of GNU binutils isn't here", tool)
		}
	}
	list := instructions(rand.New(rand.NewPCG(3, 4)), 12)
	wrong := 0
	for i, code := range assemble(t, list) {
		if !bytes.Equal(trim(list[i].bytes), code) {
			if wrong++; wrong <= 60 {
				t.Errorf("%s: %x, GNU as makes %x", list[i].text, list[i].bytes, code)
			}
		}
	}
	t.Logf("%d instructions, %d wrong", len(list), wrong)
}
