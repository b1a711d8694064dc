package pth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	// maxPickle is the size of the largest pickle that is read. A network of a
	// thousand tensors with the state of its optimizer takes half a megabyte.
	maxPickle = 32 << 20
	// maxSteps bounds the number of instructions of a pickle.
	maxSteps = 1 << 22
)

// machine runs one pickle. Each step takes bounded time and memory, except for what
// it copies from the pickle or the stack.
type machine struct {
	in    []byte
	at    int
	stack []any
	marks []int // stack heights
	memo  map[uint32]any
	// storages holds the storages by key, shared among the pickles of a file.
	storages map[string]*storage
}

var (
	errShort = errors.New("the pickle ends early")
	errStack = errors.New("the pickle pops more than it pushed")
)

// run runs one pickle from in, and returns its value and its length.
func run(in []byte, storages map[string]*storage) (v any, length int, err error) {
	m := &machine{in: in, memo: map[uint32]any{}, storages: storages}
	for range maxSteps {
		op, err := m.byte()
		if err != nil {
			return nil, 0, err
		}
		if op == '.' {
			v, err := m.pop()
			return v, m.at, err
		}
		at := m.at - 1
		if err := m.step(op); err != nil {
			return nil, 0, fmt.Errorf("pickle, byte %d: %w", at, err)
		}
	}
	return nil, 0, fmt.Errorf("the pickle has more than %d steps", maxSteps)
}

func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.in)-m.at) {
		return nil, errShort
	}
	b := m.in[m.at : m.at+int(n)]
	m.at += int(n)
	return b, nil
}

func (m *machine) byte() (byte, error) {
	b, err := m.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// uint reads an unsigned little-endian number of 1, 2, 4 or 8 bytes.
func (m *machine) uint(bytes uint64) (uint64, error) {
	b, err := m.take(bytes)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

// counted reads a length of the given size, and as many bytes.
func (m *machine) counted(bytes uint64) ([]byte, error) {
	n, err := m.uint(bytes)
	if err != nil {
		return nil, err
	}
	return m.take(n)
}

func (m *machine) line() (string, error) {
	n := bytes.IndexByte(m.in[m.at:], '\n')
	if n < 0 {
		return "", errShort
	}
	b, err := m.take(uint64(n) + 1)
	return string(b[:n]), err
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// floor returns the height below which nothing may be popped.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (any, error) {
	last := len(m.stack) - 1
	if last < m.floor() {
		return nil, errStack
	}
	v := m.stack[last]
	m.stack = m.stack[:last]
	return v, nil
}

// popN pops the last n values, in their order, into a new slice.
func (m *machine) popN(n int) ([]any, error) {
	if len(m.stack)-n < m.floor() {
		return nil, errStack
	}
	return m.cut(len(m.stack) - n), nil
}

// popMark pops everything above the last mark into a new slice.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errStack
	}
	height := m.floor()
	m.marks = m.marks[:len(m.marks)-1]
	return m.cut(height), nil
}

func (m *machine) cut(height int) []any {
	vs := append([]any{}, m.stack[height:]...)
	m.stack = m.stack[:height]
	return vs
}

func (m *machine) top() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, errStack
	}
	return m.stack[len(m.stack)-1], nil
}

// step runs one instruction of protocols 2 to 5 (CPython, Lib/pickletools.py).
func (m *machine) step(op byte) error {
	if f := scalars[op]; f != nil {
		v, err := f(m)
		if err == nil {
			m.push(v)
		}
		return err
	}
	if f := actions[op]; f != nil {
		return f(m)
	}
	return fmt.Errorf("torch.save never writes the instruction %q", op)
}

// scalars are the instructions that only push a value.
var scalars = [256]func(*machine) (any, error){
	'N':  func(*machine) (any, error) { return nil, nil },
	0x88: func(*machine) (any, error) { return true, nil },
	0x89: func(*machine) (any, error) { return false, nil },
	'J':  func(m *machine) (any, error) { n, err := m.uint(4); return int64(int32(n)), err },
	'K':  func(m *machine) (any, error) { n, err := m.uint(1); return int64(n), err },
	'M':  func(m *machine) (any, error) { n, err := m.uint(2); return int64(n), err },
	0x8a: func(m *machine) (any, error) { return m.long(1) },
	0x8b: func(m *machine) (any, error) { return m.long(4) },
	'G': func(m *machine) (any, error) {
		b, err := m.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	},
	'U':  func(m *machine) (any, error) { return m.text(1) }, // SHORT_BINSTRING, by Python 2
	'T':  func(m *machine) (any, error) { return m.text(4) },
	0x8c: func(m *machine) (any, error) { return m.text(1) },
	'X':  func(m *machine) (any, error) { return m.text(4) },
	0x8d: func(m *machine) (any, error) { return m.text(8) },
	'C':  func(m *machine) (any, error) { return m.counted(1) },
	'B':  func(m *machine) (any, error) { return m.counted(4) },
	0x8e: func(m *machine) (any, error) { return m.counted(8) },
	0x96: func(m *machine) (any, error) { return m.counted(8) },
	']':  func(*machine) (any, error) { return &list{}, nil },
	0x8f: func(*machine) (any, error) { return &list{}, nil }, // EMPTY_SET
	'}':  func(*machine) (any, error) { return &dict{}, nil },
	')':  func(*machine) (any, error) { return tuple(nil), nil },
	't':  func(m *machine) (any, error) { vs, err := m.popMark(); return tuple(vs), err },
	0x85: func(m *machine) (any, error) { vs, err := m.popN(1); return tuple(vs), err },
	0x86: func(m *machine) (any, error) { vs, err := m.popN(2); return tuple(vs), err },
	0x87: func(m *machine) (any, error) { vs, err := m.popN(3); return tuple(vs), err },
	0x91: func(m *machine) (any, error) { vs, err := m.popMark(); return &list{vs}, err }, // FROZENSET
	'2':  func(m *machine) (any, error) { return m.top() },
	'h':  func(m *machine) (any, error) { return m.recall(1) },
	'j':  func(m *machine) (any, error) { return m.recall(4) },
	'c':  (*machine).global,
	0x93: (*machine).stackGlobal,
	'Q':  (*machine).persistent,
	'R':  (*machine).reduce,
	0x81: (*machine).reduce, // NEWOBJ: class and arguments, as a call has them
	0x92: (*machine).newObjectNamed,
}

// actions are the instructions that change the stack or values on it.
var actions = [256]func(*machine) error{
	0x80: (*machine).protocol,
	0x95: func(m *machine) error { _, err := m.take(8); return err }, // FRAME: a length, for readers of streams
	'(':  func(m *machine) error { m.marks = append(m.marks, len(m.stack)); return nil },
	'0': func(m *machine) error {
		_, err := m.pop()
		return err
	},
	'1':  func(m *machine) error { _, err := m.popMark(); return err },
	'q':  func(m *machine) error { return m.remember(1) },
	'r':  func(m *machine) error { return m.remember(4) },
	0x94: (*machine).memoize,
	'a': func(m *machine) error {
		vs, err := m.popN(1)
		if err != nil {
			return err
		}
		return m.extend(vs)
	},
	'e':  (*machine).appends,
	0x90: (*machine).appends, // ADDITEMS, of sets
	's': func(m *machine) error {
		vs, err := m.popN(2)
		if err != nil {
			return err
		}
		return m.setItems(vs)
	},
	'u': func(m *machine) error {
		vs, err := m.popMark()
		if err != nil {
			return err
		}
		return m.setItems(vs)
	},
	// BUILD gives an object its state. No value here uses it: an OrderedDict's state
	// is _metadata, and placeholders ignore it.
	'b': func(m *machine) error {
		if _, err := m.pop(); err != nil {
			return err
		}
		_, err := m.top()
		return err
	},
}

func (m *machine) protocol() error {
	v, err := m.byte()
	if err == nil && (v < 2 || v > 5) {
		err = fmt.Errorf("protocol %d; 2 to 5 are read", v)
	}
	return err
}

// long reads a two's complement number of a counted length.
func (m *machine) long(bytes uint64) (any, error) {
	b, err := m.counted(bytes)
	if err != nil {
		return nil, err
	}
	if len(b) > 8 {
		return integer(b), nil
	}
	var n int64
	for i, c := range b {
		n |= int64(c) << (8 * i)
	}
	if k := len(b); k > 0 && k < 8 && b[k-1]&0x80 != 0 {
		n -= 1 << (8 * k)
	}
	return n, nil
}

func (m *machine) text(bytes uint64) (any, error) {
	b, err := m.counted(bytes)
	return string(b), err
}

func (m *machine) recall(bytes uint64) (any, error) {
	n, err := m.uint(bytes)
	if err != nil {
		return nil, err
	}
	v, ok := m.memo[uint32(n)]
	if !ok {
		return nil, fmt.Errorf("it recalls number %d, which was never put down", n)
	}
	return v, nil
}

func (m *machine) remember(bytes uint64) error {
	n, err := m.uint(bytes)
	if err != nil {
		return err
	}
	v, err := m.top()
	m.memo[uint32(n)] = v
	return err
}

func (m *machine) memoize() error {
	v, err := m.top()
	m.memo[uint32(len(m.memo))] = v
	return err
}

func (m *machine) appends() error {
	vs, err := m.popMark()
	if err != nil {
		return err
	}
	return m.extend(vs)
}

// extend appends to the list on top. Placeholders, which may stand for lists,
// ignore it.
func (m *machine) extend(vs []any) error {
	top, err := m.top()
	if err != nil {
		return err
	}
	switch l := top.(type) {
	case *list:
		l.items = append(l.items, vs...)
	case *object:
	default:
		return fmt.Errorf("it appends to %s", describe(top))
	}
	return nil
}

// setItems adds pairs to the dict on top. Placeholders ignore it.
func (m *machine) setItems(vs []any) error {
	if len(vs)%2 != 0 {
		return errStack
	}
	top, err := m.top()
	if err != nil {
		return err
	}
	switch d := top.(type) {
	case *dict:
		for i := 0; i < len(vs); i += 2 {
			d.pairs = append(d.pairs, pair{vs[i], vs[i+1]})
		}
	case *object:
	default:
		return fmt.Errorf("it sets items of %s", describe(top))
	}
	return nil
}
