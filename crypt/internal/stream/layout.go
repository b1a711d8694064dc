package stream

// Sizes in bytes.
const (
	KeySize     = 32
	SaltSize    = 32
	PrefixSize  = 7
	TagSize     = 16
	HeaderSize  = 1 + SaltSize + PrefixSize
	SegmentSize = 1 << 20               // of a full segment as stored
	PlainSize   = SegmentSize - TagSize // of the plaintext of a full segment
	// MaxSegments is the number of segments that four bytes can count.
	MaxSegments = 1 << 32
)

// Layout says where the segments of a file lie. It depends only on the size of the
// file.
type Layout struct {
	Size     int64 // of the whole encrypted file
	Plain    int64 // of the plaintext
	Segments int64 // at least 1
}

// NewLayout returns the layout of an encrypted file of the given size. ok is false if
// no encrypted file has this size.
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

// Segment returns the offset and the size of segment i in the encrypted file.
func (l Layout) Segment(i int64) (offset int64, size int) {
	start, end := i*SegmentSize, min((i+1)*SegmentSize, l.Size)
	if i == 0 {
		start = HeaderSize
	}
	return start, int(end - start)
}

// PlainSegment returns the offset and the size of segment i in the plaintext.
func (l Layout) PlainSegment(i int64) (offset int64, size int) {
	_, n := l.Segment(i)
	if i == 0 {
		return 0, n - TagSize
	}
	return i*PlainSize - HeaderSize, n - TagSize
}

// Index returns the number of the segment that holds the plaintext byte at offset.
func (l Layout) Index(offset int64) int64 {
	return (offset + HeaderSize) / PlainSize
}
