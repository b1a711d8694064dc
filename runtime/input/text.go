package input

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
)

// newTextReader returns a reader of r as UTF-8 with plain line ends:
//
//   - It skips a byte order mark.
//   - It decodes UTF-16 of either byte order, with or without a mark.
//   - It turns CR LF and CR into LF.
//   - It empties lines of white space.
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

// utf16Order returns the byte order of a UTF-16 text that begins with b, or nil for
// other texts. Without a mark, the zero bytes of two ASCII letters decide.
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

// utf16Reader decodes UTF-16. Invalid units become U+FFFD.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	rest  []byte // decoded but not yet read
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

// units reads some code units. It does not split surrogate pairs.
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

// lineReader normalizes line ends.
type lineReader struct {
	r     *bufio.Reader
	first bool   // the next byte begins a line
	held  []byte // leading white space of a line that may have nothing else
	ready []byte // to be returned first
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
