package demodata

import (
	"image"
	"image/color"
	"math"
)

// jpegKind is a kind of JPEG file.
type jpegKind struct {
	quality     int // 1 to 100, on libjpeg's scale
	h, v        int // luma samples for each chroma sample, across and down
	restart     int // MCUs between restart markers, 0 for none
	progressive bool
}

// encodeJPEG encodes an image with the tables of ITU-T T.81, Annex K, in kinds that
// image/jpeg can't write. It computes the discrete cosine transform of section A.3.3 in
// float64.
func encodeJPEG(img image.Image, k jpegKind) []byte {
	e := &jpegEncoder{kind: k, width: img.Bounds().Dx(), height: img.Bounds().Dy()}
	e.transform(img)
	e.segment(0xd8)
	for i, base := range [2]*[64]uint8{&lumaQuant, &chromaQuant} {
		table := []byte{uint8(i)}
		for _, z := range zigzag {
			table = append(table, scaled(base[z], k.quality))
		}
		e.segment(0xdb, table...)
	}
	frame := []byte{8, uint8(e.height >> 8), uint8(e.height), uint8(e.width >> 8), uint8(e.width), 3}
	for i, c := range e.components {
		frame = append(frame, uint8(i+1), uint8(c.h<<4|c.v), uint8(min(i, 1)))
	}
	if k.progressive {
		e.segment(0xc2, frame...)
	} else {
		e.segment(0xc0, frame...)
	}
	for i, h := range huffmanSpecs {
		e.segment(0xc4, append(append([]byte{uint8(i%2<<4 | i/2)}, h.counts[:]...), h.symbols...)...)
	}
	if k.restart > 0 {
		e.segment(0xdd, uint8(k.restart>>8), uint8(k.restart))
	}
	if !k.progressive {
		e.scan([]int{0, 1, 2}, 0, 63)
	} else {
		e.scan([]int{0, 1, 2}, 0, 0)
		for i := range e.components {
			e.scan([]int{i}, 1, 5)
			e.scan([]int{i}, 6, 63)
		}
	}
	e.segment(0xd9)
	return e.out
}

// jpegEncoder is the state of one encodeJPEG.
type jpegEncoder struct {
	kind          jpegKind
	width, height int
	components    [3]component
	out           []byte
	bits          uint32 // not yet written, from the highest bit on
	n             int    // number of these bits
}

// component is a color channel with its quantized coefficients.
type component struct {
	h, v       int        // sampling factors
	bw, bh     int        // blocks that hold pixels of the image
	columns    int        // blocks in a row, whole MCUs
	blocks     [][64]int  // in zigzag order
	prediction int        // the last DC coefficient
	codes      [2]huffman // of DC and AC
}

// transform converts the image to YCbCr, subsamples the chroma, and sets the quantized
// coefficients of the components.
func (e *jpegEncoder) transform(img image.Image) {
	b := img.Bounds()
	mcusX, mcusY := ceil(e.width, 8*e.kind.h), ceil(e.height, 8*e.kind.v)
	for i := range e.components {
		c, quant := component{h: 1, v: 1}, &chromaQuant
		if i == 0 {
			c, quant = component{h: e.kind.h, v: e.kind.v}, &lumaQuant
		}
		stepX, stepY := e.kind.h/c.h, e.kind.v/c.v
		c.codes = [2]huffman{huffmanSpecs[2*min(i, 1)].build(), huffmanSpecs[2*min(i, 1)+1].build()}
		c.bw, c.bh = ceil(ceil(e.width, stepX), 8), ceil(ceil(e.height, stepY), 8)
		c.columns = mcusX * c.h
		for j := range c.columns * mcusY * c.v {
			var samples [64]float64
			for s := range samples {
				x, y := j%c.columns*8+s%8, j/c.columns*8+s/8
				for n := range stepX * stepY {
					px := min(x*stepX+n%stepX, e.width-1)
					py := min(y*stepY+n/stepX, e.height-1)
					r, g, bl, _ := img.At(b.Min.X+px, b.Min.Y+py).RGBA()
					yy, cb, cr := color.RGBToYCbCr(uint8(r>>8), uint8(g>>8), uint8(bl>>8))
					samples[s] += float64([3]uint8{yy, cb, cr}[i]) / float64(stepX*stepY)
				}
				samples[s] -= 128
			}
			freq := dct(&samples)
			var block [64]int
			for n, z := range zigzag {
				block[n] = int(math.Round(freq[z] / float64(scaled(quant[z], e.kind.quality))))
			}
			c.blocks = append(c.blocks, block)
		}
		e.components[i] = c
	}
}

// dct returns the forward transform of section A.3.3.
func dct(s *[64]float64) (f [64]float64) {
	for i := range f {
		u, v, sum := i%8, i/8, 0.0
		for j, value := range s {
			sum += value * cosines[u][j%8] * cosines[v][j/8]
		}
		f[i] = sum
	}
	return f
}

var cosines = func() (t [8][8]float64) {
	for u := range t {
		for x := range t[u] {
			t[u][x] = 0.5 * math.Cos(float64(2*x+1)*float64(u)*math.Pi/16)
			if u == 0 {
				t[u][x] /= math.Sqrt2
			}
		}
	}
	return t
}()

func ceil(a, b int) int { return (a + b - 1) / b }

// scaled is a quantization step for a quality, by libjpeg's formula.
func scaled(step uint8, quality int) uint8 {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	return uint8(max(1, min(255, (int(step)*scale+50)/100)))
}

// segment writes a marker, and its payload if there is one.
func (e *jpegEncoder) segment(marker byte, payload ...byte) {
	e.out = append(e.out, 0xff, marker)
	if len(payload) > 0 {
		n := len(payload) + 2
		e.out = append(append(e.out, uint8(n>>8), uint8(n)), payload...)
	}
}

// scan writes coefficients first to last of some components: MCU by MCU if
// there are several, else block by block.
func (e *jpegEncoder) scan(which []int, first, last int) {
	header := []byte{uint8(len(which))}
	for _, i := range which {
		header = append(header, uint8(i+1), uint8(min(i, 1)*0x11))
	}
	e.segment(0xda, append(header, uint8(first), uint8(last), 0)...)
	units := e.units(which)
	for n, unit := range units {
		if e.kind.restart > 0 && n > 0 && n%e.kind.restart == 0 {
			e.flush()
			e.segment(0xd0 + uint8(n/e.kind.restart-1)%8)
		}
		if e.kind.restart > 0 && n%e.kind.restart == 0 || n == 0 {
			for i := range e.components {
				e.components[i].prediction = 0
			}
		}
		for _, b := range unit {
			e.block(&e.components[b[0]], &e.components[b[0]].blocks[b[1]], first, last)
		}
	}
	e.flush()
}

// units lists the blocks of each MCU, as component and index.
func (e *jpegEncoder) units(which []int) [][][2]int {
	var units [][][2]int
	if len(which) == 1 {
		c := &e.components[which[0]]
		for y := range c.bh {
			for x := range c.bw {
				units = append(units, [][2]int{{which[0], y*c.columns + x}})
			}
		}
		return units
	}
	for my := range ceil(e.height, 8*e.kind.v) {
		for mx := range ceil(e.width, 8*e.kind.h) {
			var unit [][2]int
			for _, i := range which {
				c := &e.components[i]
				for n := range c.h * c.v {
					unit = append(unit, [2]int{i, (my*c.v+n/c.h)*c.columns + mx*c.h + n%c.h})
				}
			}
			units = append(units, unit)
		}
	}
	return units
}

// block writes coefficients first to last of a block.
func (e *jpegEncoder) block(c *component, block *[64]int, first, last int) {
	if first == 0 {
		size, bits := magnitude(block[0] - c.prediction)
		c.prediction = block[0]
		e.put(c.codes[0][size])
		e.put(code{bits, size})
		first = 1
	}
	run := 0
	for k := first; k <= last; k++ {
		if block[k] == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			e.put(c.codes[1][0xf0])
		}
		size, bits := magnitude(block[k])
		e.put(c.codes[1][run<<4|size])
		e.put(code{bits, size})
		run = 0
	}
	if run > 0 {
		e.put(c.codes[1][0])
	}
}

// magnitude returns the size category of a value and its additional bits.
func magnitude(v int) (size int, bits uint32) {
	for a := max(v, -v); a>>size > 0; size++ {
	}
	if v < 0 {
		v += 1<<size - 1
	}
	return size, uint32(v)
}

// code is a sequence of n bits.
type code struct {
	bits uint32
	n    int
}

// put writes the bits of c. It writes a zero after each byte 0xff.
func (e *jpegEncoder) put(c code) {
	e.bits |= c.bits << (32 - e.n - c.n)
	for e.n += c.n; e.n >= 8; e.n -= 8 {
		b := uint8(e.bits >> 24)
		e.out = append(e.out, b)
		if b == 0xff {
			e.out = append(e.out, 0)
		}
		e.bits <<= 8
	}
}

// flush fills the last byte with ones.
func (e *jpegEncoder) flush() {
	if e.n > 0 {
		e.put(code{1<<(8-e.n) - 1, 8 - e.n})
	}
}

// huffman maps symbols to codes.
type huffman [256]code

// huffmanSpec is a table in the form of a file: the number of codes of each length, and
// the symbols in the order of their codes.
type huffmanSpec struct {
	counts  [16]uint8
	symbols []uint8
}

func (s huffmanSpec) build() (h huffman) {
	bits, next := uint32(0), 0
	for length, count := range s.counts {
		for range count {
			h[s.symbols[next]] = code{bits, length + 1}
			bits++
			next++
		}
		bits <<= 1
	}
	return h
}
