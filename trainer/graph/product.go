package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// blockK is the number of values that one GEMM sums. With the panel's weights they fit the
// first-level cache.
const blockK = 256

// exactK is blockK for the forward pass. Sums of shorter sums have a smaller rounding
// error, which decides fewer signs in front of a ReLU.
const exactK = 64

// product computes a convolution, or the gradient of its input, as matrix products
// (im2col). Each destination pixel is a row of source values times the weights.
type product struct {
	*crew
	images             int
	src, dst           *value
	srcGroup, dstGroup int // channels of a group
	transposed         bool
	blockK             int
	taps               int // of the whole window
	parts              []*part
	panels             []panel
	width              int // source channels that a panel reads
	floats             int // of the packed weights
	jobs               []job
	perJob             int // panels
}

// part is a phase of a product, with the tables of its pixels.
type part struct {
	*phase
	win    band
	direct bool // the source is read where it lies, without a copy
	// in and out are the offsets of each pixel's first source value and of its result, for
	// a band and for the last band; if direct, for all images in the first table.
	in, out   [2][]int32
	pixels    int   // of all images, if direct
	planeStep int   // floats from a plane of the source to the next, 0 if raw
	tapRows   []int // the first row of each tap in a panel's weights
	blocks    []simd.Block
	total     int // rows of a panel's weights
	packed    int // where its weights begin in the product's
}

// panel is a range of destination channels, with the first source channel that they read.
type panel struct{ column, columns, from int }

// job is a unit of work: a band of an image or, if the part is direct, a block of pixels.
type job struct {
	part         *part
	image, index int
}

// newProduct plans the product of a convolution's phases.
func newProduct(c *crew, n *nn.Node, images int, src, dst *value, phases []phase, transposed bool) *product {
	p := &product{
		crew: c, images: images, src: src, dst: dst,
		srcGroup: src.shape.C / n.Groups, dstGroup: dst.shape.C / n.Groups,
		transposed: transposed, blockK: exactK, taps: n.Window.H * n.Window.W,
	}
	if transposed {
		p.blockK = blockK
	}
	p.panels, p.width = panels(c.Panel, src, dst, n.Groups)
	for i := range phases {
		q := &part{phase: &phases[i], packed: p.floats}
		p.parts = append(p.parts, q)
		if len(q.taps) == 0 {
			p.jobs = append(p.jobs, job{part: q})
			continue
		}
		q.win = newBand(q.phase)
		p.layOut(q)
		p.floats += q.total * dst.channels()
		p.tables(q)
	}
	// If there are few jobs, they are split by panels to occupy all workers.
	const enough = 24
	groups := min((enough+len(p.jobs)-1)/len(p.jobs), len(p.panels))
	p.perJob = (len(p.panels) + groups - 1) / groups
	return p
}

// panels divides the destination's channels into panels of at most columns channels. In a
// grouped convolution, a panel reads only the planes of its own groups. width is the
// number of source channels that a panel reads.
func panels(columns int, src, dst *value, groups int) (ps []panel, width int) {
	srcGroup, dstGroup, all := src.shape.C/groups, dst.shape.C/groups, src.channels()
	for col := 0; col < dst.channels(); col += columns {
		p := panel{column: col, columns: min(columns, dst.channels()-col)}
		to := all
		if groups > 1 {
			last := min(col+p.columns, dst.shape.C) - 1
			p.from = min(col, last) / dstGroup * srcGroup / simd.Lanes * simd.Lanes
			to = round((last/dstGroup+1)*srcGroup, simd.Lanes)
		}
		width = max(width, to-p.from)
		ps = append(ps, p)
	}
	for i := range ps {
		ps[i].from = min(ps[i].from, all-width)
	}
	return ps, width
}

// layOut computes the offsets of the summed values in the source and in the weights.
func (p *product) layOut(q *part) {
	first, src, lanes := q.taps[0], p.src.shape, p.src.lanes()
	q.direct = len(q.taps) == 1 && first.dy == 0 && first.dx == 0 && !p.src.raw &&
		(q.rows-1)*q.stride.H < src.H && (q.cols-1)*q.stride.W < src.W
	switch {
	case q.direct:
		q.planeStep = p.src.plane()
	case !p.src.raw:
		q.planeStep = q.win.height * q.win.width * lanes
	}
	for i := 0; i < len(q.taps); {
		t := q.taps[i]
		run := 1 // taps whose values are contiguous
		for p.src.raw && i+run < len(q.taps) && q.taps[i+run] == (tap{t.dy, t.dx + run, q.taps[i+run].index}) {
			run++
		}
		offset := 0
		if !q.direct {
			offset = ((t.dy-q.win.top)*q.win.width + t.dx - q.win.left) * lanes
		}
		for j := range run {
			q.tapRows = append(q.tapRows, q.total+j*p.width)
		}
		k := round(run*p.width, simd.Lanes)
		q.blocks = simd.AppendSegment(q.blocks, offset, k, p.blockK, q.planeStep)
		q.total += k
		i += run
	}
}

// tables fills in the offsets of the pixels, and adds the jobs.
func (p *product) tables(q *part) {
	lanes := p.src.lanes()
	srcRow, dstRow := q.win.width*lanes, p.dst.shape.W*simd.Lanes
	if q.direct {
		srcRow = p.src.shape.W * lanes
	}
	add := func(i, rows, srcFrom, dstFrom int) {
		for r := range rows {
			for c := range q.cols {
				q.in[i] = append(q.in[i], int32(srcFrom+r*q.stride.H*srcRow+c*q.stride.W*lanes))
				q.out[i] = append(q.out[i], int32(dstFrom+(q.at.H+r*q.phase.step.H)*dstRow+(q.at.W+c*q.phase.step.W)*simd.Lanes))
			}
		}
	}
	if q.direct {
		for i := range p.images {
			add(0, q.rows, i*p.src.image(), i*p.dst.image())
		}
		q.pixels = len(q.in[0])
		for b := range (q.pixels + bandPixels - 1) / bandPixels {
			p.jobs = append(p.jobs, job{part: q, index: b})
		}
	} else {
		add(0, q.win.rowsPerBand, 0, 0)
		add(1, q.rows-(q.win.bands-1)*q.win.rowsPerBand, 0, 0)
		for i := range p.images {
			for b := range q.win.bands {
				p.jobs = append(p.jobs, job{part: q, image: i, index: b})
			}
		}
	}
}

// run sets dst, or adds to it with accumulate. The bias is padded to whole planes.
func (p *product) run(dst, src, w, bias []float32, accumulate bool) {
	packed := p.common(p.floats)
	p.crew.run(len(p.parts)*len(p.panels), func(_ *worker, i int) {
		q, pn := p.parts[i/len(p.panels)], p.panels[i%len(p.panels)]
		p.pack(packed[q.packed+q.total*pn.column:][:q.total*pn.columns], w, q, pn)
	})
	groups := (len(p.panels) + p.perJob - 1) / p.perJob
	p.crew.run(len(p.jobs)*groups, func(wk *worker, i int) {
		first := i % groups * p.perJob
		p.job(wk, p.jobs[i/groups], p.panels[first:min(first+p.perJob, len(p.panels))], dst, src, packed, bias, accumulate)
	})
}

// job computes some panels of a job's pixels.
func (p *product) job(wk *worker, j job, panels []panel, dst, src, packed, bias []float32, accumulate bool) {
	q := j.part
	if len(q.taps) == 0 {
		if !accumulate {
			p.zero(q, panels, dst)
		}
		return
	}
	g := &wk.gemm
	g.Residual, g.Floor, g.XStep, g.YStep = nil, simd.None, q.planeStep, p.dst.plane()
	if q.direct {
		g.In, g.Out = q.in[0], q.out[0]
		g.First, g.End = j.index*bandPixels, min((j.index+1)*bandPixels, q.pixels)
	} else {
		first, end := q.win.bounds(j.index)
		src = p.window(wk, q, src[j.image*p.src.image():][:p.src.image()], first, end)
		dst = dst[j.image*p.dst.image()+first*q.phase.step.H*p.dst.shape.W*simd.Lanes:]
		table := 0
		if j.index == q.win.bands-1 {
			table = 1
		}
		g.In, g.Out, g.First, g.End = q.in[table], q.out[table], 0, (end-first)*q.cols
	}
	for i, b := range q.blocks {
		g.Segments, g.Accumulate = b.Segments, accumulate || i > 0
		for _, pn := range panels {
			g.X, g.Y, g.Bias = src[pn.from/simd.Lanes*q.planeStep:], dst[pn.column/simd.Lanes*p.dst.plane():], bias[pn.column:]
			g.W = packed[q.packed+q.total*pn.column+b.First*pn.columns:][:b.K*pn.columns]
			p.Multiply(g, pn.columns)
		}
	}
}

// window copies the source pixels that rows first to end-1 of a band read.
func (p *product) window(wk *worker, q *part, image []float32, first, end int) []float32 {
	lanes := p.src.lanes()
	size := q.win.height * q.win.width * lanes
	s := wk.take(p.src.planes() * size)
	n := 0
	for i := range p.src.planes() {
		n = i*size + q.win.copy(s[i*size:], image[i*p.src.plane():], p.src.shape, lanes, first, end)
	}
	clear(s[n:][:simd.Slack]) // reads beyond the last pixel must not find NaN
	return s
}

// zero clears the pixels of a phase without taps.
func (p *product) zero(q *part, panels []panel, dst []float32) {
	last := panels[len(panels)-1]
	for i := range p.images {
		for plane := panels[0].column / simd.Lanes; plane < (last.column+last.columns)/simd.Lanes; plane++ {
			to := dst[i*p.dst.image()+plane*p.dst.plane():]
			for r := range q.rows {
				for c := range q.cols {
					at := (q.at.H+r*q.phase.step.H)*p.dst.shape.W + q.at.W + c*q.phase.step.W
					clear(to[at*simd.Lanes:][:simd.Lanes])
				}
			}
		}
	}
}

// pack copies the weights of a panel from (out, in/groups, taps) into the layout of GEMM,
// [value][column]. Values of missing channels, groups and columns are zero.
func (p *product) pack(packed, w []float32, q *part, pn panel) {
	clear(packed)
	columns := min(pn.columns, p.dst.shape.C-pn.column)
	const some = 64 // rows that fit the first-level cache
	for i0 := 0; i0 < p.srcGroup; i0 += some {
		for j := range columns {
			d := pn.column + j
			first := d / p.dstGroup * p.srcGroup // of the group
			to := (first+i0-pn.from)*pn.columns + j
			from, step := (d*p.srcGroup+i0)*p.taps, p.taps
			if p.transposed {
				from, step = ((first+i0)*p.dstGroup+d%p.dstGroup)*p.taps, p.dstGroup*p.taps
			}
			for t, tap := range q.taps {
				out := packed[q.tapRows[t]*pn.columns+to:]
				in := w[from+tap.index:]
				for i := range min(some, p.srcGroup-i0) {
					out[i*pn.columns] = in[i*step]
				}
			}
		}
	}
}
