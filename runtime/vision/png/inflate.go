package png

import (
	"errors"
	"hash"
	"hash/adler32"
	"io"
)

var (
	errInput    = errors.New("unexpected end of data")
	errPiece    = errors.New("end of a piece of data")
	errHeader   = errors.New("incorrect header")
	errBlock    = errors.New("invalid block")
	errCodes    = errors.New("invalid code lengths")
	errSymbol   = errors.New("invalid code")
	errDistance = errors.New("invalid distance")
	errChecksum = errors.New("incorrect checksum")
)

// The states of an inflater.
const (
	stateHeader = iota
	stateBlock
	stateStored
	stateSymbol
	stateLiteral
	stateMatch
	stateChecksum
	stateDone
)

const windowSize = 1 << 15

// place is a position of an inflater in its input.
type place struct {
	pos   int
	hold  uint32 // the bits before pos that are not used yet
	bits  uint
	state int
}

// inflater decompresses zlib data (RFC 1950 and 1951) like zlib's inflate. It takes no
// byte of input before it needs the byte. After the last requested byte of output it
// continues until there is a next one. It reads only damaged files, so it decodes codes
// bit by bit, in little code.
type inflater struct {
	place
	in   []byte
	ends []int // of the pieces of in, from the current one on
	full bool  // there is no room for output: looking ahead ends at a piece's end
	dry  bool  // looking ahead has used up the current piece
	last bool  // the block is the last one
	sum  hash.Hash32

	lengths, distances code
	stored             int   // bytes left of a stored block
	literal            uint8 // to be written
	length, distance   int   // of a match to be copied

	window [windowSize]byte
	total  int // bytes written so far
}

// need makes n bits available, 32 at most.
func (z *inflater) need(n uint) error {
	for z.bits < n {
		for len(z.ends) > 0 && z.pos == z.ends[0] {
			if z.full {
				return errPiece
			}
			z.ends = z.ends[1:]
		}
		if len(z.ends) == 0 {
			return errInput
		}
		z.hold |= uint32(z.in[z.pos]) << z.bits
		z.pos++
		z.bits += 8
	}
	return nil
}

// take returns n bits, 16 at most.
func (z *inflater) take(n uint) (int, error) {
	if err := z.need(n); err != nil {
		return 0, err
	}
	v := z.hold & (1<<n - 1)
	z.hold >>= n
	z.bits -= n
	return int(v), nil
}

// align drops the bits up to the next byte.
func (z *inflater) align() {
	z.hold >>= z.bits % 8
	z.bits -= z.bits % 8
}

// put writes a byte to the output and to the window.
func (z *inflater) put(p []byte, n int, b byte) int {
	p[n] = b
	z.window[z.total%windowSize] = b
	z.total++
	return n + 1
}

// read fills p. It returns an error if it met one before the next byte of
// output, even if p is full: io.EOF at the end of the stream.
func (z *inflater) read(p []byte) (int, error) {
	for len(z.ends) > 0 && (z.dry || z.pos == z.ends[0]) {
		z.ends, z.dry = z.ends[1:], false
	}
	if len(z.ends) == 0 {
		return 0, errInput
	}
	n, summed := 0, 0
	if z.sum == nil {
		z.sum = adler32.New()
	}
	for {
		switch z.state {
		case stateLiteral:
			if n == len(p) {
				z.sum.Write(p[summed:n])
				return n, nil
			}
			n = z.put(p, n, z.literal)
			z.state = stateSymbol
		case stateMatch:
			for ; z.length > 0; z.length-- {
				if n == len(p) {
					z.sum.Write(p[summed:n])
					return n, nil
				}
				if z.distance > z.total {
					return n, errDistance
				}
				n = z.put(p, n, z.window[(z.total-z.distance)%windowSize])
			}
			z.state = stateSymbol
		case stateStored:
			for ; z.stored > 0; z.stored-- {
				if n == len(p) {
					z.sum.Write(p[summed:n])
					return n, nil
				}
				b, err := z.take(8)
				if err != nil {
					return n, err
				}
				n = z.put(p, n, uint8(b))
			}
			z.state = stateBlock
		case stateDone:
			return n, io.EOF
		default:
			if z.state == stateChecksum {
				z.sum.Write(p[summed:n])
				summed = n
			}
			before := z.place
			z.full = n == len(p)
			err := z.step()
			if errors.Is(err, errPiece) {
				// The next call, if there is more data, takes the step again.
				z.place = before
				z.dry = true
				z.sum.Write(p[summed:n])
				return n, nil
			}
			if err != nil {
				return n, err
			}
		}
	}
}

// step takes a step that gives no output.
func (z *inflater) step() error {
	switch z.state {
	case stateHeader:
		return z.header()
	case stateBlock:
		return z.block()
	case stateSymbol:
		return z.symbol()
	default: // stateChecksum
		if err := z.need(32); err != nil {
			return err
		}
		h := z.hold
		if h>>24|h>>8&0xff00|h<<8&0xff0000|h<<24 != z.sum.Sum32() {
			return errChecksum
		}
		z.state = stateDone
		return nil
	}
}

// header reads the two bytes before the first block. The size of the window
// that they claim is not enforced.
func (z *inflater) header() error {
	if err := z.need(16); err != nil {
		return err
	}
	method, flags := z.hold&0xff, z.hold>>8&0xff
	const deflate, maxWindow, dictionary = 8, 7, 0x20
	if (method<<8|flags)%31 != 0 || method&15 != deflate || method>>4 > maxWindow || flags&dictionary != 0 {
		return errHeader
	}
	z.hold, z.bits = 0, 0
	z.state = stateBlock
	return nil
}

// block reads the start of a block.
func (z *inflater) block() error {
	if z.last {
		z.align()
		z.state = stateChecksum
		return nil
	}
	v, err := z.take(3)
	if err != nil {
		return err
	}
	z.last = v&1 != 0
	switch v >> 1 {
	case 0:
		z.align()
		if err := z.need(32); err != nil {
			return err
		}
		if z.hold>>16 != z.hold&0xffff^0xffff {
			return errBlock
		}
		z.stored, z.hold, z.bits, z.state = int(z.hold&0xffff), 0, 0, stateStored
		return nil
	case 1:
		z.fixed()
	case 2:
		if err := z.dynamic(); err != nil {
			return err
		}
	default:
		return errBlock
	}
	z.state = stateSymbol
	return nil
}

// fixed sets the codes of RFC 1951, section 3.2.6.
func (z *inflater) fixed() {
	var lens [288]uint8
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	z.lengths.set(lens[:], false)
	var dist [32]uint8
	for i := range dist {
		dist[i] = 5
	}
	z.distances.set(dist[:], false)
}

// codeOrder is the order of the code lengths' own lengths (section 3.2.7).
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block. It is not resumed: truncated data end the
// image anyway.
func (z *inflater) dynamic() error {
	v, err := z.take(14)
	if err != nil {
		return err
	}
	nLength, nDistance, nCode := v&31+257, v>>5&31+1, v>>10+4
	if nLength > 286 || nDistance > 30 {
		return errCodes
	}
	var lens [286 + 30]uint8
	for _, i := range codeOrder[:nCode] {
		v, err := z.take(3)
		if err != nil {
			return err
		}
		lens[i] = uint8(v)
	}
	var lengths code
	if !lengths.set(lens[:19], true) {
		return errCodes
	}
	clear(lens[:19])
	for i := 0; i < nLength+nDistance; {
		s, err := z.decode(&lengths)
		if err != nil {
			return err
		}
		repeat, previous := 0, uint8(0)
		switch s {
		default:
			lens[i] = uint8(s)
			i++
			continue
		case 16:
			if repeat, err = z.take(2); err == nil && i == 0 {
				return errCodes
			}
			repeat += 3
			previous = lens[max(i-1, 0)]
		case 17:
			repeat, err = z.take(3)
			repeat += 3
		case 18:
			repeat, err = z.take(7)
			repeat += 11
		}
		if err != nil {
			return err
		}
		if i+repeat > nLength+nDistance {
			return errCodes
		}
		for range repeat {
			lens[i] = previous
			i++
		}
	}
	const endOfBlock = 256
	if lens[endOfBlock] == 0 || !z.lengths.set(lens[:nLength], false) || !z.distances.set(lens[nLength:nLength+nDistance], false) {
		return errCodes
	}
	return nil
}

// The lengths and distances of matches (section 3.2.5).
var (
	lengthBase   = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits   = [29]uint{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [30]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distanceBits = [30]uint{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// symbol reads a literal, a match or the end of the block.
func (z *inflater) symbol() error {
	s, err := z.decode(&z.lengths)
	switch {
	case err != nil:
		return err
	case s < 256:
		z.literal, z.state = uint8(s), stateLiteral
		return nil
	case s == 256:
		z.state = stateBlock
		return nil
	case s-257 >= len(lengthBase):
		return errSymbol
	}
	extra, err := z.take(lengthBits[s-257])
	if err != nil {
		return err
	}
	z.length = lengthBase[s-257] + extra
	if s, err = z.decode(&z.distances); err != nil {
		return err
	}
	if s >= len(distanceBase) {
		return errSymbol
	}
	if extra, err = z.take(distanceBits[s]); err != nil {
		return err
	}
	z.distance = distanceBase[s] + extra
	z.state = stateMatch
	return nil
}

const maxCode = 15 // bits

// code is a canonical Huffman code.
type code struct {
	count   [maxCode + 1]int // of codes of each length
	symbols [288]uint16      // in the order of their codes
	longest int
}

// set makes the code of some lengths. It reports whether zlib accepts them:
// complete ones, and a single one of one bit, unless the code must be complete.
func (c *code) set(lens []uint8, complete bool) bool {
	*c = code{}
	for _, n := range lens {
		c.count[n]++
		c.longest = max(c.longest, int(n))
	}
	c.count[0] = 0
	left := 1
	var first [maxCode + 2]int
	for n := 1; n <= maxCode; n++ {
		left = 2*left - c.count[n]
		if left < 0 {
			return false
		}
		first[n+1] = first[n] + c.count[n]
	}
	for s, n := range lens {
		if n > 0 {
			c.symbols[first[n]] = uint16(s)
			first[n]++
		}
	}
	return left == 0 || !complete && c.longest <= 1
}

// decode reads a symbol.
func (z *inflater) decode(c *code) (int, error) {
	value, first, index := 0, 0, 0
	for n := 1; n <= max(c.longest, 1); n++ {
		bit, err := z.take(1)
		if err != nil {
			return 0, err
		}
		value |= bit
		if value-first < c.count[n] {
			return int(c.symbols[index+value-first]), nil
		}
		index += c.count[n]
		first = (first + c.count[n]) << 1
		value <<= 1
	}
	return 0, errSymbol
}
