package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// weightGrad computes the gradient of a convolution's weights as matrix products that sum
// over pixels. A row is an input channel as one tap sees it, a column an output channel.
//
// The input is transposed to channel by channel, on a grid as wide as a row of the output
// plus the reach of the taps beside it. The values of a tap are then contiguous: tap
// (ey, ex) of a row that begins at q begins at q + ey*grid + ex. With a stride above 1,
// each remainder by the stride has such a plane. The output's gradient lies on the same
// grid, with zeros between rows.
type weightGrad struct {
	*crew
	node                   *nn.Node
	images                 int
	x, dy                  *value
	in, out                nn.Shape
	inGroup, outGroup      int
	taps                   int
	planes                 []nn.HW // the remainders by the stride
	top, left, grid, extra int     // smallest offsets of taps; pixels of a grid row; rows beyond a band
	rowsPerBand            int
	bands                  int     // of an image, or of all images with across
	across                 bool    // bands span images, as no tap leaves its row
	plane, lineStep        int     // floats of a plane, and of a channel's planes
	depth                  int     // pixels of a band's grid, a multiple of Lanes
	offsets                []int   // of taps in a channel's planes
	places                 []int32 // offsets of rows in the transposed input
	results                []int32 // offsets of rows in the sums
	panels                 []panel
	width                  int
	chunks                 int
}

func newWeightGrad(c *crew, n *nn.Node, images int, x, dy *value) *weightGrad {
	g := &weightGrad{
		crew: c, node: n, images: images, x: x, dy: dy, in: x.shape, out: dy.shape,
		inGroup: x.shape.C / n.Groups, outGroup: dy.shape.C / n.Groups, taps: n.Window.H * n.Window.W,
	}
	g.panels, g.width = panels(c.Panel, x, dy, n.Groups)
	g.layOut()
	for t := range g.taps {
		for i := range g.width {
			g.places = append(g.places, int32(i*g.lineStep+g.offsets[t]))
			g.results = append(g.results, int32(len(g.results)*c.Panel))
		}
	}
	// Small sums are made apart for some chunks of the pixels; large ones are
	// split between the workers.
	const small = 1 << 16
	g.chunks = 1
	if g.sums() <= small {
		g.chunks = min(8, g.blocks())
	}
	return g
}

// floorDiv returns a/b, rounded down.
func floorDiv(a, b int) int { return (a - ((a%b)+b)%b) / b }

// layOut computes the grid, the bands and the offsets of the taps.
func (g *weightGrad) layOut() {
	n := g.node
	type place struct{ plane, ey, ex int }
	var places []place
	bottom, right := 0, 0
	for t := range g.taps {
		y, x := t/n.Window.W-n.Pad.H, t%n.Window.W-n.Pad.W
		p := place{ey: floorDiv(y, n.Stride.H), ex: floorDiv(x, n.Stride.W)}
		rest := nn.HW{H: y - p.ey*n.Stride.H, W: x - p.ex*n.Stride.W}
		for p.plane < len(g.planes) && g.planes[p.plane] != rest {
			p.plane++
		}
		if p.plane == len(g.planes) {
			g.planes = append(g.planes, rest)
		}
		if t == 0 {
			g.top, g.left, bottom, right = p.ey, p.ex, p.ey, p.ex
		}
		g.top, bottom, g.left, right = min(g.top, p.ey), max(bottom, p.ey), min(g.left, p.ex), max(right, p.ex)
		places = append(places, p)
	}
	g.grid, g.extra = g.out.W+right-g.left, bottom-g.top
	g.across = g.extra == 0 && g.top == 0 && (g.out.H-1)*n.Stride.H < g.in.H
	rows := g.out.H
	if g.across {
		rows *= g.images
	}
	const pixels = 512 // of a band: with a panel's columns they fill half of the second-level cache
	g.rowsPerBand = min(rows, max(1, pixels/g.grid))
	g.bands = (rows + g.rowsPerBand - 1) / g.rowsPerBand
	g.depth = round(g.rowsPerBand*g.grid, simd.Lanes)
	g.plane = (g.rowsPerBand + g.extra) * g.grid
	// The values of a tap may end behind its plane. Lines that are a multiple of 1 KiB
	// apart would compete for the same cache sets.
	g.lineStep = round(len(g.planes)*g.plane+right-g.left, simd.Lanes) + 2*simd.Lanes
	if g.lineStep%256 == 0 {
		g.lineStep += simd.Lanes
	}
	for _, p := range places {
		g.offsets = append(g.offsets, p.plane*g.plane+(p.ey-g.top)*g.grid+p.ex-g.left)
	}
}

// blocks returns the number of bands of all images.
func (g *weightGrad) blocks() int {
	if g.across {
		return g.bands
	}
	return g.images * g.bands
}

// sums returns the number of floats of the sums, [panel][row][column].
func (g *weightGrad) sums() int { return len(g.panels) * len(g.places) * g.Panel }

// run adds the gradient to dw, (out, in/groups, taps).
func (g *weightGrad) run(dw, x, dy []float32) {
	lines, columns := g.x.channels()*g.lineStep+simd.Slack, g.depth*g.dy.channels()
	if g.chunks > 1 {
		sums := g.common(g.chunks * g.sums())
		per := (g.blocks() + g.chunks - 1) / g.chunks
		g.crew.run(g.chunks, func(w *worker, chunk int) {
			xt, dyt := w.take(lines), w.take(columns)
			part := sums[chunk*g.sums():][:g.sums()]
			clear(part)
			for b := chunk * per; b < min((chunk+1)*per, g.blocks()); b++ {
				g.transpose(xt, x, b, 0, g.x.channels())
				for _, p := range g.panels {
					g.gather(dyt, dy, b, p)
				}
				for i := range g.panels {
					g.multiply(w, part, xt, dyt, i, 0, len(g.places))
				}
			}
		})
		g.scatter(dw, sums, g.chunks)
		return
	}
	const channels, rows = 64, 400 // of a part
	all := g.common(lines + columns + g.sums())
	xt, dyt, sums := all[:lines], all[lines:][:columns], all[lines+columns:]
	clear(sums)
	turns, ofChannels := split(g.x.channels(), channels)
	groups, ofRows := split(len(g.places), rows)
	for b := range g.blocks() {
		g.crew.run(turns+len(g.panels), func(_ *worker, i int) {
			if i < turns {
				first, end := ofChannels(i)
				g.transpose(xt, x, b, first, end)
			} else {
				g.gather(dyt, dy, b, g.panels[i-turns])
			}
		})
		g.crew.run(groups*len(g.panels), func(w *worker, i int) {
			first, end := ofRows(i % groups)
			g.multiply(w, sums, xt, dyt, i/groups, first, end)
		})
	}
	g.scatter(dw, sums, 1)
}

// row returns the image and the output row of row r of block b. Both may exceed the last
// one.
func (g *weightGrad) row(b, r int) (image, y int) {
	if g.across {
		r += b * g.rowsPerBand
		return r / g.out.H, r % g.out.H
	}
	return b / g.bands, b%g.bands*g.rowsPerBand + r
}

// transpose copies channels first to end-1 of the input, channel by channel, for block b.
func (g *weightGrad) transpose(lines, x []float32, b, first, end int) {
	s, lanes := g.node.Stride, g.x.lanes()
	for c := first; c < end; c += simd.Lanes {
		n := min(simd.Lanes, end-c)
		for i := range n {
			line := lines[(c+i)*g.lineStep:][:g.lineStep]
			clear(line[len(g.planes)*g.plane:])
		}
		for pi, plane := range g.planes {
			for r := range g.rowsPerBand + g.extra {
				to := c*g.lineStep + pi*g.plane + r*g.grid
				image, oy := g.row(b, r)
				iy := (oy+g.top)*s.H + plane.H
				if image >= g.images || iy < 0 || iy >= g.in.H {
					for i := range n {
						clear(lines[to+i*g.lineStep:][:g.grid])
					}
					continue
				}
				row := x[image*g.x.image()+c/lanes*g.x.plane()+iy*g.in.W*lanes:]
				for q := range g.grid {
					ix := (q+g.left)*s.W + plane.W
					if ix < 0 || ix >= g.in.W {
						for i := range n {
							lines[to+i*g.lineStep+q] = 0
						}
						continue
					}
					px := row[ix*lanes:][:n]
					at := to + q
					for _, v := range px {
						lines[at] = v
						at += g.lineStep
					}
				}
			}
		}
	}
}

// gather copies a panel's columns of the output's gradient, [pixel][column], for block b.
func (g *weightGrad) gather(columns, dy []float32, b int, p panel) {
	to := columns[g.depth*p.column:][:g.depth*p.columns]
	for r := range g.rowsPerBand {
		line := to[r*g.grid*p.columns:][:g.grid*p.columns]
		image, y := g.row(b, r)
		if image >= g.images || y >= g.out.H {
			clear(line)
			continue
		}
		for c := 0; c < p.columns; c += simd.Lanes {
			from := dy[image*g.dy.image()+(p.column+c)/simd.Lanes*g.dy.plane()+y*g.out.W*simd.Lanes:]
			for q := range g.out.W {
				*(*[simd.Lanes]float32)(line[q*p.columns+c:]) = *(*[simd.Lanes]float32)(from[q*simd.Lanes:])
			}
		}
		clear(line[g.out.W*p.columns:])
	}
	clear(to[g.rowsPerBand*g.grid*p.columns:])
}

// multiply adds a block's products to rows first to end-1 of the sums of panel i.
func (g *weightGrad) multiply(w *worker, sums, lines, columns []float32, i, first, end int) {
	p := g.panels[i]
	j := &w.gemm
	j.X, j.Y = lines[p.from*g.lineStep:], sums[i*len(g.places)*g.Panel:]
	j.In, j.Out, j.First, j.End = g.places, g.results, first, end
	j.Accumulate, j.Floor, j.Residual, j.XStep, j.YStep = true, simd.None, nil, 0, 0
	var segment [1]simd.Segment
	for k := 0; k < g.depth; k += blockK {
		n := min(blockK, g.depth-k)
		segment[0] = simd.Segment{Offset: k, K: n}
		j.Segments = segment[:]
		j.W = columns[g.depth*p.column+k*p.columns:][:n*p.columns]
		g.Multiply(j, p.columns)
	}
}

// scatter adds the sums of all chunks to dw, in parallel over planes of output channels.
func (g *weightGrad) scatter(dw, sums []float32, chunks int) {
	per := g.inGroup * g.taps
	g.crew.run(g.dy.planes(), func(w *worker, plane int) {
		first := plane * simd.Lanes
		pi := first / g.Panel
		p := g.panels[pi]
		sum := &w.sums[0]
		for o := first; o < min(first+simd.Lanes, g.out.C); {
			// The sums of channels of one group are adjacent.
			end := min(first+simd.Lanes, (o/g.outGroup+1)*g.outGroup)
			row := o/g.outGroup*g.inGroup - p.from
			for t := range g.taps {
				for i := range g.inGroup {
					from := (pi*len(g.places)+t*g.width+row+i)*g.Panel + o - p.column
					part := sum[:end-o]
					copy(part, sums[from:])
					for c := 1; c < chunks; c++ {
						for j, v := range sums[c*g.sums()+from:][:len(part)] {
							part[j] += v
						}
					}
					to := o*per + i*g.taps + t
					for _, v := range part {
						dw[to] += v
						to += per
					}
				}
			}
			o = end
		}
	})
}
