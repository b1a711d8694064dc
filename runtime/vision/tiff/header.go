package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The tags that are read (TIFF 6.0).
const (
	tagWidth          = 256
	tagHeight         = 257
	tagBits           = 258
	tagCompression    = 259
	tagPhotometric    = 262
	tagFillOrder      = 266
	tagStripOffsets   = 273
	tagOrientation    = 274
	tagSamples        = 277
	tagRowsPerStrip   = 278
	tagStripCounts    = 279
	tagPlanar         = 284
	tagPredictor      = 317
	tagColorMap       = 320
	tagTileWidth      = 322
	tagTileHeight     = 323
	tagTileOffsets    = 324
	tagTileCounts     = 325
	tagExtraSamples   = 338
	tagSampleFormat   = 339
	tagDNGVersion     = 50706
	maxSamples        = 6
	maxTile           = 1 << 24 // pixels
	maxSegments       = 1 << 18 // of a channel: tiles of 16x16 pixels
	maxValues         = 1 << 24 // of a tag
	bytesOfEntry      = 12
	separatePlanes    = 2
	reversedBits      = 2
	horizontalDiffs   = 2
	formatUnsigned    = 1
	formatSigned      = 2
	formatUndefined   = 4
	uncompressed      = 1
	lzwCompression    = 5
	deflate           = 8
	packBits          = 32773
	oldDeflate        = 32946
	extraUnspecified  = 0
	extraAssociated   = 1
	extraUnassociated = 2
)

// The photometric interpretations.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
)

// The kinds of alpha channels.
const (
	noAlpha = iota
	straightAlpha
	associatedAlpha // colors are multiplied with alpha
)

// header holds the first directory of a file.
type header struct {
	order                 binary.ByteOrder
	width, height         int
	bits                  int // of each sample
	perPixel              int // of each pixel
	kept                  int // of these, the first ones, and alpha at last
	photometric           int
	alpha                 int
	compression           int
	predictor             int
	reversed              bool // the bits of a byte
	separate              bool // channels lie one after the other
	orientation           int
	colors                [256][3]uint8
	tiled                 bool
	segWidth, segHeight   int // of a tile, or of a strip
	offsets, lengths      []int
	extra, formats, depth []int
}

var errCut = errors.New("the file is truncated before its image data")

// tags maps tags to the values of their entries.
type tags map[int][]int

// first returns the first value of a tag, or a default if there is none.
func (t tags) first(tag, otherwise int) int {
	if v := t[tag]; len(v) > 0 {
		return v[0]
	}
	return otherwise
}

// wanted lists the tags whose values are read.
var wanted = []int{
	tagWidth, tagHeight, tagBits, tagCompression, tagPhotometric, tagFillOrder, tagStripOffsets, tagOrientation, tagSamples,
	tagRowsPerStrip, tagStripCounts, tagPlanar, tagPredictor, tagColorMap, tagTileWidth, tagTileHeight, tagTileOffsets,
	tagTileCounts, tagExtraSamples, tagSampleFormat, tagDNGVersion,
}

// directory reads the entries of a directory.
func directory(data []byte, order binary.ByteOrder) (tags, error) {
	at := int64(order.Uint32(data[4:]))
	if at < 8 || at+2 > int64(len(data)) {
		return nil, errCut
	}
	n := int(order.Uint16(data[at:]))
	entries := data[at+2:]
	t := tags{}
	for range n {
		if len(entries) < bytesOfEntry {
			break // like Pillow, use the complete entries
		}
		tag, e := int(order.Uint16(entries)), entries[:bytesOfEntry]
		entries = entries[bytesOfEntry:]
		if slices.Contains(wanted, tag) {
			t[tag] = values(data, e, order)
		}
	}
	return t, nil
}

// values returns the whole numbers of an entry, or nil if their type differs or the
// file ends before them.
func values(data, e []byte, order binary.ByteOrder) []int {
	size := 0
	switch order.Uint16(e[2:]) {
	case 1: // BYTE
		size = 1
	case 3: // SHORT
		size = 2
	case 4: // LONG
		size = 4
	default:
		return nil
	}
	n := int64(order.Uint32(e[4:]))
	b := e[8:12]
	if n*int64(size) > 4 {
		at := int64(order.Uint32(e[8:]))
		if n > maxValues || at+n*int64(size) > int64(len(data)) {
			return nil
		}
		b = data[at:]
	}
	v := make([]int, n)
	for i := range v {
		switch size {
		case 1:
			v[i] = int(b[i])
		case 2:
			v[i] = int(order.Uint16(b[2*i:]))
		default:
			v[i] = int(order.Uint32(b[4*i:]))
		}
	}
	return v
}

// parse reads the header of a file and its first directory.
func parse(data []byte) (*header, error) {
	if len(data) < 8 {
		return nil, errCut
	}
	h := &header{order: binary.LittleEndian}
	if data[0] == 'M' {
		h.order = binary.BigEndian
	}
	t, err := directory(data, h.order)
	if err != nil {
		return nil, err
	}
	if t[tagDNGVersion] != nil {
		return nil, errors.New("it is a camera's raw file (DNG), which is not supported; convert it to PNG or JPEG")
	}
	h.width, h.height = t.first(tagWidth, 0), t.first(tagHeight, 0)
	h.compression, h.photometric = t.first(tagCompression, uncompressed), t.first(tagPhotometric, whiteIsZero)
	h.predictor, h.orientation = t.first(tagPredictor, 1), t.first(tagOrientation, 1)
	h.reversed, h.separate = t.first(tagFillOrder, 1) == reversedBits, t.first(tagPlanar, 1) == separatePlanes
	h.perPixel = t.first(tagSamples, 1)
	h.depth, h.extra, h.formats = t[tagBits], t[tagExtraSamples], t[tagSampleFormat]
	if len(h.depth) == 0 {
		h.depth = []int{1}
	}
	if v := t[tagTileOffsets]; v != nil && t[tagStripOffsets] == nil {
		h.tiled, h.offsets, h.lengths = true, v, t[tagTileCounts]
		h.segWidth, h.segHeight = t.first(tagTileWidth, 0), t.first(tagTileHeight, 0)
	} else {
		h.offsets, h.lengths = t[tagStripOffsets], t[tagStripCounts]
		h.segWidth, h.segHeight = h.width, min(t.first(tagRowsPerStrip, h.height), h.height)
	}
	h.colorMap(t[tagColorMap])
	return h, nil
}

// colorMap sets the palette from all reds, all greens and all blues, of 16 bits.
func (h *header) colorMap(v []int) {
	n := len(v) / 3
	for i := range min(n, len(h.colors)) {
		h.colors[i] = [3]uint8{uint8(v[i] >> 8), uint8(v[n+i] >> 8), uint8(v[2*n+i] >> 8)}
	}
}

// refusals names the compressions that are not supported.
var refusals = map[int]string{
	2: "CCITT RLE", 3: "CCITT group 3", 4: "CCITT group 4", 6: "JPEG", 7: "JPEG", 32809: "ThunderScan", 34676: "SGI Log",
	34677: "SGI Log", 34712: "JPEG 2000", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
}

func refuse(format string, args ...any) error {
	return fmt.Errorf(format+", which is not supported; convert it to PNG or JPEG", args...)
}

// check refuses unsupported images.
func (h *header) check() error {
	switch h.compression {
	case uncompressed, lzwCompression, deflate, oldDeflate, packBits:
	default:
		if name, ok := refusals[h.compression]; ok {
			return refuse("its compression is %s", name)
		}
		return refuse("its compression has the number %d", h.compression)
	}
	if err := h.checkSamples(); err != nil {
		return err
	}
	if h.predictor != 1 && (h.predictor != horizontalDiffs || h.bits < 8) && h.compression != uncompressed && h.compression != packBits {
		return refuse("its predictor has the number %d", h.predictor)
	}
	if len(h.offsets) == 0 {
		return errCut
	}
	if h.segWidth < 1 || h.segHeight < 1 || h.segWidth > maxTile/h.segHeight && h.tiled {
		return fmt.Errorf("its tiles have %dx%d pixels", h.segWidth, h.segHeight)
	}
	across, down := h.counts()
	if int64(across)*int64(down) > maxSegments {
		return fmt.Errorf("it has more than %d strips or tiles", maxSegments)
	}
	if int64(across)*int64(down)*int64(h.segWidth)*int64(h.segHeight) > 4*int64(h.width)*int64(h.height)+maxTile {
		return fmt.Errorf("its tiles of %dx%d pixels are too many for an image of %dx%d", h.segWidth, h.segHeight, h.width, h.height)
	}
	return nil
}

// counts returns the number of segments across and down.
func (h *header) counts() (across, down int) {
	return (h.width + h.segWidth - 1) / h.segWidth, (h.height + h.segHeight - 1) / h.segHeight
}

// checkSamples refuses unsupported pixels, and determines which channels are kept.
func (h *header) checkSamples() error {
	h.bits = h.depth[0]
	if h.perPixel < 1 || h.perPixel > maxSamples {
		return refuse("it has %d samples a pixel", h.perPixel)
	}
	for _, n := range h.depth[:min(len(h.depth), h.perPixel)] {
		if n != h.bits {
			return refuse("its channels have different numbers of bits")
		}
	}
	for _, f := range h.formats[:min(len(h.formats), h.perPixel)] {
		switch {
		case f == 3 || f == 6:
			return refuse("it holds floating point numbers")
		case f == formatSigned && h.bits == 8 && h.perPixel == 1: // as Pillow
		case f != formatUnsigned && f != formatUndefined:
			return refuse("its sample format has the number %d", f)
		}
	}
	colors, depths := 1, []int{1, 2, 4, 8, 16}
	switch h.photometric {
	case whiteIsZero, blackIsZero:
	case palette:
		depths = depths[:4]
	case rgb:
		colors, depths = 3, depths[3:]
	case cmyk:
		colors, depths = 4, depths[3:4]
	case 6:
		return refuse("its colors are YCbCr")
	case 8, 9, 10:
		return refuse("its colors are Lab")
	default:
		return refuse("its photometric interpretation has the number %d", h.photometric)
	}
	if !slices.Contains(depths, h.bits) || h.bits < 8 && h.perPixel > 1 {
		return refuse("it has %d bits a sample", h.bits)
	}
	if h.perPixel < colors {
		return refuse("it has %d samples a pixel", h.perPixel)
	}
	h.kept = colors
	if h.perPixel > colors && h.photometric != cmyk {
		kind := extraUnassociated // Pillow's guess for RGB of 4 channels
		if len(h.extra) > 0 {
			kind = h.extra[0]
		} else if h.photometric != rgb {
			kind = extraUnspecified
		}
		switch kind {
		case extraUnspecified:
		case extraAssociated:
			h.alpha = associatedAlpha
		default:
			h.alpha = straightAlpha
		}
	}
	if h.alpha != noAlpha {
		h.kept++
	}
	return nil
}
