package jpeg

import "encoding/binary"

// reader reads the bytes of a file as markers, segments and bits. After the
// last byte of the file it reads one end-of-image marker, so that a truncated
// file ends as a whole one does.
type reader struct {
	data      []byte
	pos       int  // the next byte; len(data) and len(data)+1 are the marker behind the file
	marker    byte // a marker that was read and not yet acted on, or 0
	discarded int  // bytes skipped in search of the last marker

	// The bits at hand are the upper n bits of acc. The last fake of them are
	// zeros that stand for missing data.
	acc  uint64
	n    int
	fake int
}

// atEnd reports whether the marker behind the file has been read.
func (r *reader) atEnd() bool { return r.pos > len(r.data) }

// readByte returns the next byte, and false behind the end marker.
func (r *reader) readByte() (byte, bool) {
	p := r.pos
	r.pos++
	switch {
	case p < len(r.data):
		return r.data[p], true
	case p == len(r.data):
		return 0xff, true
	case p == len(r.data)+1:
		return mEOI, true
	}
	r.pos = p
	return 0, false
}

// firstMarker reads the start-of-image marker, which no bytes may precede.
func (r *reader) firstMarker() bool {
	if len(r.data) < 2 || r.data[0] != 0xff || r.data[1] != mSOI {
		return false
	}
	r.pos = 2
	return true
}

// nextMarker skips to the next marker and stores it. It reports false if there
// is none. Stuffed zeros and fill bytes are no markers (T.81, B.1.1.2).
func (r *reader) nextMarker() bool {
	r.discarded = 0
	for {
		c, ok := r.readByte()
		for ; ok && c != 0xff; c, ok = r.readByte() {
			r.discarded++
		}
		for ok && c == 0xff {
			c, ok = r.readByte()
		}
		if !ok {
			return false
		}
		if c != 0 {
			r.marker = c
			return true
		}
		r.discarded += 2
	}
}

// segment returns the parameters of a marker: what follows its length. They may
// not be all there, or their length may be less than its own two bytes.
func (r *reader) segment() ([]byte, error) {
	if r.pos+2 > len(r.data) {
		r.pos = len(r.data) + 2
		return nil, errTruncated
	}
	length := int(binary.BigEndian.Uint16(r.data[r.pos:]))
	r.pos += 2
	if length < 2 {
		return nil, errLength
	}
	end := r.pos + length - 2
	if end > len(r.data) {
		r.pos = len(r.data) + 2
		return nil, errTruncated
	}
	s := r.data[r.pos:end]
	r.pos = end
	return s, nil
}

// skipSegment skips the parameters of a marker. Unlike segment it may skip the
// end marker behind the file, in whole or in part.
func (r *reader) skipSegment() bool {
	hi, _ := r.readByte()
	lo, ok := r.readByte()
	if !ok {
		return false
	}
	r.pos += max(int(hi)<<8|int(lo), 2) - 2
	return r.pos <= len(r.data)+2
}

// dropBits forgets the bits at hand and returns how many of them were data.
func (r *reader) dropBits() int {
	left := max(r.n-r.fake, 0)
	r.acc, r.n, r.fake = 0, 0, 0
	return left
}

// ranDry reports whether more bits have been taken than the data had.
func (r *reader) ranDry() bool { return r.fake > r.n }

// minBits is the number of bits that fill provides. It covers one Huffman
// code and the bits that follow it: 17 for a code that is not in the table, or
// 16 and up to 15.
const minBits = 32

// fill provides at least minBits bits. It reads to the next marker; then it
// provides zeros.
func (r *reader) fill() {
	for r.n <= 56 {
		if r.marker != 0 {
			r.fake += 64 - r.n
			r.n = 64
			return
		}
		if p := r.pos; p < len(r.data) && r.data[p] != 0xff {
			r.acc |= uint64(r.data[p]) << uint(56-r.n)
			r.n += 8
			r.pos++
			continue
		}
		c, ok := byte(0xff), true
		for ok && c == 0xff {
			c, ok = r.readByte()
		}
		if !ok {
			r.marker = mEOI
		} else if c != 0 {
			r.marker = c
		} else { // a stuffed zero: the byte before it is data
			r.acc |= uint64(0xff) << uint(56-r.n)
			r.n += 8
		}
	}
}

// bit returns the next bit.
func (r *reader) bit() uint64 {
	if r.n < 1 {
		r.fill()
	}
	b := r.acc >> 63
	r.acc <<= 1
	r.n--
	return b
}

// take returns the next s bits, 1 to 16.
func (r *reader) take(s uint) int32 {
	if r.n < minBits {
		r.fill()
	}
	v := int32(r.acc >> ((64 - s) & 63))
	r.acc <<= s & 63
	r.n -= int(s)
	return v
}
