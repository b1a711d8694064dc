package input

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
)

// newTextReader returns a reader of r as UTF-8 with plain line ends, however an
// editor or a spreadsheet saved it:
//
//   - a byte order mark is skipped;
//   - UTF-16 in either byte order is decoded, with or without such a mark;
//   - CR LF and CR alone become LF;
//   - lines of white space alone become empty.
//
// Lines keep their numbers.
func newTextReader(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	start, _ := b.Peek(4)
	if order := utf16Order(start); order != nil {
		b = bufio.NewReader(&utf16Reader{r: b, order: order})
		start, _ = b.Peek(4)
	}
	if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	return &lineReader{r: b, first: true}
}

// utf16Order returns the byte order of a text in UTF-16 that begins so, nil of
// any other. Without a mark it is told by the zero bytes of two ASCII letters.
func utf16Order(start []byte) binary.ByteOrder {
	if len(start) < 2 {
		return nil
	}
	zeros := len(start) >= 4
	switch {
	case start[0] == 0xff && start[1] == 0xfe, zeros && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
		return binary.LittleEndian
	case start[0] == 0xfe && start[1] == 0xff, zeros && start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0:
		return binary.BigEndian
	}
	return nil
}

// utf16Reader decodes UTF-16. What can't be decoded becomes U+FFFD.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	rest  []byte // decoded, not yet read
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	if len(u.rest) == 0 {
		units, err := u.units()
		if len(units) == 0 {
			return 0, err
		}
		u.rest = []byte(string(utf16.Decode(units)))
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// units reads some code units. They don't end between the two of a pair.
func (u *utf16Reader) units() (units []uint16, err error) {
	var b [2]byte
	for len(units) < 2048 || utf16.IsSurrogate(rune(units[len(units)-1])) && len(units) < 2*2048 {
		if _, err = io.ReadFull(u.r, b[:]); err != nil {
			break
		}
		units = append(units, u.order.Uint16(b[:]))
	}
	return units, err
}

// lineReader makes line ends plain.
type lineReader struct {
	r     *bufio.Reader
	first bool   // a line begins here
	held  []byte // white space at the start of a line, which may be all it has
	ready []byte // to be read before anything else
}

func (l *lineReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(l.ready) > 0 {
			k := copy(p[n:], l.ready)
			n, l.ready = n+k, l.ready[k:]
			continue
		}
		c, err := l.r.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if c == '\r' {
			if next, _ := l.r.Peek(1); len(next) == 1 && next[0] == '\n' {
				continue
			}
			c = '\n'
		}
		switch {
		case c == '\n':
			l.first, l.held = true, l.held[:0]
		case l.first && (c == ' ' || c == '\t'):
			l.held = append(l.held, c)
			continue
		case l.first:
			l.first = false
			if len(l.held) > 0 {
				l.ready = append(bytes.Clone(l.held), c)
				l.held = l.held[:0]
				continue
			}
		}
		p[n] = c
		n++
	}
	return n, nil
}
