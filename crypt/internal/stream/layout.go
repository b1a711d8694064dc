package stream

// Sizes in bytes.
const (
	KeySize     = 32
	SaltSize    = 32
	PrefixSize  = 7
	TagSize     = 16
	HeaderSize  = 1 + SaltSize + PrefixSize
	SegmentSize = 1 << 20               // of a full segment as it is stored
	PlainSize   = SegmentSize - TagSize // of a full segment's plaintext
	// MaxSegments is how many segments four bytes can number.
	MaxSegments = 1 << 32
)

// Layout tells where the segments of a file lie. It follows from the size of
// the file alone.
type Layout struct {
	Size     int64 // of the whole encrypted file
	Plain    int64 // of the plaintext
	Segments int64 // at least 1
}

// NewLayout returns the layout of an encrypted file of the given size; ok is
// false where no encrypted file has this size.
func NewLayout(size int64) (l Layout, ok bool) {
	if size < HeaderSize+TagSize || size > MaxSegments*SegmentSize {
		return Layout{}, false
	}
	n := (size + SegmentSize - 1) / SegmentSize
	last := size - (n-1)*SegmentSize
	if n > 1 && last <= TagSize {
		return Layout{}, false
	}
	return Layout{Size: size, Plain: size - HeaderSize - n*TagSize, Segments: n}, true
}

// Segment returns where segment i is stored: its offset and its size.
func (l Layout) Segment(i int64) (offset int64, size int) {
	start, end := i*SegmentSize, min((i+1)*SegmentSize, l.Size)
	if i == 0 {
		start = HeaderSize
	}
	return start, int(end - start)
}

// PlainSegment returns where in the plaintext segment i is: its offset and its
// size.
func (l Layout) PlainSegment(i int64) (offset int64, size int) {
	_, n := l.Segment(i)
	if i == 0 {
		return 0, n - TagSize
	}
	return i*PlainSize - HeaderSize, n - TagSize
}

// Index returns the segment that holds the plaintext byte at offset.
func (l Layout) Index(offset int64) int64 {
	return (offset + HeaderSize) / PlainSize
}
