package source

import (
	"go/types"
	"regexp"
	"strings"
	"unicode"
)

// Some assembly functions have a twin in the standard library: functions that only
// jump there, and functions that query the processor's features. The bundle calls
// the twin.

// asmTwin returns the twin of the assembly function fn, if there is one. The map
// functions has the instructions of the package's assembly functions by name.
func (p *Program) asmTwin(k *Package, functions map[string][]string, fn *types.Func) (Alias, bool) {
	code := functions[fn.Name()]
	if target, ok := jumpOnly(code); ok {
		return p.jumpTwin(k, fn, target)
	}
	a, ok := processorTwins[strings.Join(code, "; ")]
	return a, ok && types.Identical(fn.Signature(), a.asm)
}

// jumpTwin returns what stands for fn, an assembly function that jumps to target.
func (p *Program) jumpTwin(k *Package, fn *types.Func, target string) (Alias, bool) {
	path, name := SplitSymbol(target)
	if path == "" {
		o := k.Types.Scope().Lookup(name)
		return Alias{To: o}, o != nil && o != fn && types.Identical(o.Type(), fn.Type())
	}
	l := p.Listed[path]
	if l == nil || !l.Standard {
		return Alias{}, false
	}
	if !unicode.IsUpper(rune(name[0])) {
		return Alias{Link: target}, true
	}
	t := p.Std[path]
	if t == nil {
		return Alias{}, false
	}
	o := t.Scope().Lookup(name)
	return Alias{Std: StdName{path, name}}, o != nil && types.Identical(o.Type(), fn.Type())
}

var (
	asmComment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	asmText    = regexp.MustCompile(`(?m)^TEXT[ \t]+([^\s(<]*)·([^\s(<]+)(?:<ABIInternal>)?\(SB\)[^\n]*\n`)
	asmMove    = regexp.MustCompile(`^MOV[LQW]?\s+(\S+?),\s*(\S+)$`)
	asmClear   = regexp.MustCompile(`^XOR[LQ]\s+(\w+),\s*(\w+)$`)
	asmSlot    = regexp.MustCompile(`^\w+\+(\d+)\(FP\)$`)
	asmJump    = regexp.MustCompile(`^(?:JMP|B|BR|J)\s+(\S+)\(SB\)$`)
)

// asmTwinLength exceeds the number of instructions of every function with a twin.
const asmTwinLength = 16

// asmFunctions returns the first instructions of a package's assembly functions by
// name. It writes moves as FROM>TO and leaves out the names of arguments.
func asmFunctions(k *Package) map[string][]string {
	functions := map[string][]string{}
	for _, file := range k.assembly() {
		text := asmComment.ReplaceAllString(ReadText(file), "")
		heads := asmText.FindAllStringSubmatchIndex(text, -1)
		for i, at := range heads {
			if text[at[2]:at[3]] != "" {
				continue // of another package
			}
			body := text[at[1]:]
			if i+1 < len(heads) {
				body = text[at[1]:heads[i+1][0]]
			}
			functions[text[at[4]:at[5]]] = asmCode(body)
		}
	}
	return functions
}

func asmCode(body string) (code []string) {
	for line := range strings.FieldsFuncSeq(body, func(r rune) bool { return r == '\n' || r == ';' }) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && len(code) < asmTwinLength {
			code = append(code, asmInstruction(line))
		}
	}
	return code
}

func asmInstruction(line string) string {
	slot := func(operand string) string { return asmSlot.ReplaceAllString(operand, "$1(FP)") }
	if m := asmMove.FindStringSubmatch(line); m != nil {
		return slot(m[1]) + ">" + slot(m[2])
	}
	if m := asmClear.FindStringSubmatch(line); m != nil && m[1] == m[2] {
		return "$0>" + m[1]
	}
	return line
}

// jumpOnly returns the linker symbol that code jumps to, if it is one jump.
func jumpOnly(code []string) (symbol string, ok bool) {
	if len(code) != 1 {
		return "", false
	}
	m := asmJump.FindStringSubmatch(code[0])
	if m == nil {
		return "", false
	}
	return strings.TrimPrefix(strings.NewReplacer("·", ".", "∕", "/").Replace(m[1]), "."), true
}

// processorTwins maps instructions to the functions of internal/cpu that have them.
var processorTwins = map[string]Alias{
	"0(FP)>AX; 4(FP)>CX; CPUID; AX>8(FP); BX>12(FP); CX>16(FP); DX>20(FP); RET": {
		Link: "internal/cpu.cpuid", asm: signature(2, 4),
	},
	"$0>CX; XGETBV; AX>0(FP); DX>4(FP); RET": {Link: "internal/cpu.xgetbv", asm: signature(0, 2)},
}

// signature returns the type of a function with uint32 parameters and results.
func signature(params, results int) *types.Signature {
	tuple := func(n int) *types.Tuple {
		vars := make([]*types.Var, n)
		for i := range vars {
			vars[i] = types.NewParam(0, nil, "", types.Typ[types.Uint32])
		}
		return types.NewTuple(vars...)
	}
	return types.NewSignatureType(nil, nil, nil, tuple(params), tuple(results), false)
}
