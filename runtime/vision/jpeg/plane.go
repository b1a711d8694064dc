package jpeg

// rowGroups is the number of row groups in an iMCU row. A row group is the v
// rows of a component that make up maxV rows of the image.
const rowGroups = 8

// plane holds the samples of an iMCU row of a component, the last two row
// groups of the iMCU row before it, and room for two row groups after it.
// Upsampling needs the rows next to those that it upsamples.
type plane struct {
	pix    []byte
	stride int
	origin int // the first row of the iMCU row is at origin*stride
	method method
	hRatio int // samples of the image for each of the component's
	vRatio int
	dw     int
	row    []byte // an upsampled row
}

// method is an algorithm that upsamples a component.
type method uint8

const (
	fullSize  method = iota
	linearH          // half width: linear
	linearV          // half height: linear
	linearHV         // half width and height: linear
	replicate        // any other ratio
)

// context reports whether the method needs the rows above and below.
func (m method) context() bool { return m == linearV || m == linearHV }

// preparePlanes allocates the planes and chooses the methods of upsampling, like
// libjpeg. It does not interpolate components of one or two columns horizontally.
func (d *decoder) preparePlanes() {
	for _, c := range d.comps {
		p := &c.plane
		p.stride = 8 * c.padW
		p.origin = 2 * c.v
		p.pix = make([]byte, p.stride*c.v*(rowGroups+4))
		p.hRatio, p.vRatio, p.dw = d.maxH/c.h, d.maxV/c.v, c.dw
		switch {
		case p.hRatio == 1 && p.vRatio == 1:
			p.method = fullSize
		case p.hRatio == 2 && p.vRatio == 1 && c.dw > 2:
			p.method = linearH
		case p.hRatio == 1 && p.vRatio == 2:
			p.method = linearV
		case p.hRatio == 2 && p.vRatio == 2 && c.dw > 2:
			p.method = linearHV
		default:
			p.method = replicate
		}
		if p.method != fullSize {
			p.row = make([]byte, p.stride*p.hRatio)
		}
		d.context = d.context || p.method.context()
	}
}

// block returns the samples from the first of block (x, y) of the iMCU row on.
func (p *plane) block(x, y int) []byte { return p.pix[(p.origin+8*y)*p.stride+8*x:] }

// samples returns row y of the iMCU row; rows before it have negative numbers.
func (p *plane) samples(y int) []byte { return p.pix[(p.origin+y)*p.stride:][:p.stride] }

// output writes the rows of the image that an iMCU row completes.
func (d *decoder) output(iMCURow int) {
	last := iMCURow == d.iMCURows-1
	first, end := 0, rowGroups // row groups of the iMCU row
	if last {
		end = ceilDiv(d.height-iMCURow*8*d.maxV, d.maxV)
	}
	if d.context {
		// The last row group waits for the row below it.
		d.duplicateEdges(iMCURow)
		if iMCURow > 0 {
			first--
		}
		if !last {
			end--
		}
	}
	for group := first; group < end; group++ {
		for v := range d.maxV {
			y := (iMCURow*rowGroups+group)*d.maxV + v
			if y < d.height {
				d.outputRow(y, group*d.maxV+v)
			}
		}
	}
	if d.context && !last {
		for _, c := range d.comps {
			p := &c.plane
			copy(p.pix[:2*c.v*p.stride], p.pix[8*c.v*p.stride:])
		}
	}
}

// duplicateEdges repeats the first row of the image above it, and the last row of
// samples below it.
func (d *decoder) duplicateEdges(iMCURow int) {
	for _, c := range d.comps {
		if iMCURow == 0 {
			copy(c.plane.samples(-1), c.plane.samples(0))
		}
		if iMCURow == d.iMCURows-1 {
			rows := c.dh - iMCURow*8*c.v
			for i := range c.v {
				copy(c.plane.samples(rows+i), c.plane.samples(rows-1))
			}
		}
	}
}

// outputRow upsamples and converts row y of the image, row v of the iMCU row.
func (d *decoder) outputRow(y, v int) {
	var rows [4][]byte
	w := d.width
	for i, c := range d.comps {
		rows[i] = d.upsample(&c.plane, v)[:w]
	}
	dst := d.img.Pix[3*w*y:][:3*w]
	d.row = rowJob{dst: dst, a: rows[0], b: rows[1], c: rows[2]}
	switch d.space {
	case gray:
		d.row.b, d.row.c = rows[0], rows[0]
		d.routines.Interleave(&d.row)
	case rgb:
		d.routines.Interleave(&d.row)
	case yCbCr:
		d.routines.YCbCrToRGB(&d.row)
	case cmyk:
		cmykToRGB(dst, rows[0], rows[1], rows[2], rows[3])
	case ycck:
		d.routines.YCbCrToRGB(&d.row)
		ycckToRGB(dst, rows[3])
	}
}
