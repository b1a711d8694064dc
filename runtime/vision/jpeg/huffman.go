package jpeg

import (
	"errors"
	"fmt"
	"sync"
)

// huffSpec is a Huffman table as the file defines it (T.81, C.2).
type huffSpec struct {
	counts  [17]uint8 // codes of each length
	symbols [256]uint8
}

// lookupBits is the number of bits that index a table's lookup.
const lookupBits = 9

// huffTable decodes the codes of a huffSpec.
type huffTable struct {
	// lookup maps the next bits to a code that is not longer than they are:
	//
	//	bits 0-4    the number of bits to drop, 0 if the code is longer
	//	bits 8-11   the run: zeros before the coefficient
	//	bits 12-15  the size: bits of the coefficient, still to be read
	//	bits 16-31  the coefficient, if it was among the bits as well
	//
	// A coefficient is never 0, so an entry holds one or a size.
	lookup [1 << lookupBits]uint32
	// maxCode is the largest code of a length, -1 if there is none; offset
	// added to a code is the index of its symbol.
	maxCode [18]int32
	offset  [18]int32
	symbols [256]uint8
}

// newHuffTable returns the decoding tables of a specification. A table of DC
// codes must have sizes up to 15 alone. With coefficients, the lookup gives
// coefficients as well as codes.
func newHuffTable(spec *huffSpec, dc, coefficients bool) (*huffTable, error) {
	t := &huffTable{symbols: spec.symbols}
	code, index := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		n := int32(spec.counts[length])
		t.maxCode[length] = -1
		t.offset[length] = index - code
		for range n {
			if dc && spec.symbols[index] > 15 {
				return nil, errors.New("a Huffman table of DC coefficients has sizes over 15")
			}
			if length <= lookupBits {
				t.fill(uint32(code), length, spec.symbols[index], coefficients)
			}
			code++
			index++
		}
		if n > 0 {
			t.maxCode[length] = code - 1
			if code >= 1<<length { // a code of ones alone is not allowed
				return nil, errors.New("a Huffman table has more codes than fit")
			}
		}
		code <<= 1
	}
	return t, nil
}

// fill enters a code in the lookup.
func (t *huffTable) fill(code uint32, length int, symbol uint8, coefficients bool) {
	rest := lookupBits - length
	first := code << rest
	size := int(symbol & 15)
	run := uint32(symbol>>4) << 8
	if first+1<<rest > uint32(len(t.lookup)) {
		return // more codes than fit; newHuffTable refuses the table
	}
	entries := t.lookup[first : first+1<<rest]
	if !coefficients || size == 0 || size > rest {
		for i := range entries {
			entries[i] = uint32(length) | run | uint32(size)<<12
		}
		return
	}
	for i := range entries {
		v := int32(i) >> (rest - size)
		if v < 1<<(size-1) {
			v -= 1<<size - 1
		}
		entries[i] = uint32(length+size) | run | uint32(v)<<16
	}
}

// long decodes a code of more than lookupBits bits from the next 16 bits. It
// returns the entry that lookup would hold. If there is no such code it returns
// an entry of symbol 0 that drops 17 bits, as libjpeg does, and false.
func (t *huffTable) long(bits uint32) (uint32, bool) {
	for length := lookupBits + 1; length <= 16; length++ {
		if code := int32(bits >> (16 - length)); code <= t.maxCode[length] {
			s := uint32(t.symbols[uint8(code+t.offset[length])])
			return uint32(length) | s>>4<<8 | s&15<<12, true
		}
	}
	return 17, false
}

// table returns the decoding tables of the table that a scan names.
func (d *decoder) table(class, id int, coefficients bool) (*huffTable, error) {
	if id > 3 || d.huff[class][id] == nil {
		return nil, fmt.Errorf("the Huffman table %d is missing", id)
	}
	spec := d.huff[class][id]
	if coefficients {
		for i, std := range standardSpecs[class] {
			if *spec == *std {
				return standardTables()[class][i], nil
			}
		}
	}
	return newHuffTable(spec, class == 0, coefficients)
}

// addStandardTables defines the tables 0 and 1 that the file leaves out, as in
// Motion JPEG.
func (d *decoder) addStandardTables() {
	for class := range 2 {
		for id := range 2 {
			if d.huff[class][id] == nil {
				d.huff[class][id] = standardSpecs[class][id]
			}
		}
	}
}

// standardTables are the decoding tables of the standard's tables. Most
// encoders use these, so they are made once.
var standardTables = sync.OnceValue(func() (t [2][2]*huffTable) {
	for class := range 2 {
		for id := range 2 {
			table, err := newHuffTable(standardSpecs[class][id], class == 0, true)
			if err != nil {
				panic("jpeg: internal error: " + err.Error())
			}
			t[class][id] = table
		}
	}
	return t
})
