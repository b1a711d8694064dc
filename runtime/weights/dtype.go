package weights

import "fmt"

// DType is the type of a tensor's elements.
type DType uint8

// The element types, all little-endian.
const (
	F64 DType = iota
	F32
	F16
	BF16
	I64
	I32
	I16
	I8
	U8
	Bool
)

var dtypes = [...]struct {
	name string
	size int
}{
	{"F64", 8},
	{"F32", 4},
	{"F16", 2},
	{"BF16", 2},
	{"I64", 8},
	{"I32", 4},
	{"I16", 2},
	{"I8", 1},
	{"U8", 1},
	{"BOOL", 1},
}

// String returns the type's name as safetensors spells it, e.g. "F32".
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Size returns the bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// Float reports whether elements are floating-point numbers.
func (d DType) Float() bool { return d <= BF16 }

func parseDType(name string) (DType, error) {
	for i, d := range dtypes {
		if d.name == name {
			return DType(i), nil
		}
	}
	return 0, fmt.Errorf("the element type %q is not supported", name)
}
