package jpeg

// Incomplete progressive files leave the low frequencies of their blocks unknown or
// imprecise. Like libjpeg-turbo since version 2.1, the decoder estimates them from the
// averages (DC coefficients) of the block and the 24 around it, after T.81, K.8.

// smoothed is the number of coefficients, in zigzag order, that smoothing
// estimates.
const smoothed = 10

// smoothable reports whether to smooth blocks: the averages of all components must be
// known, and a low frequency of some component must not be.
func (d *decoder) smoothable() bool {
	useful := false
	for _, c := range d.comps {
		if c.quant == nil || c.bits[0] < 0 {
			return false
		}
		for k := range smoothed {
			if c.quant[zigzag[k]] == 0 {
				return false
			}
			useful = useful || k > 0 && c.bits[k] != 0
		}
	}
	return useful
}

// estimator estimates one coefficient from the averages of 5x5 blocks. Its
// weights form an image that is symmetric or antisymmetric in each direction.
type estimator struct {
	k       int // the coefficient in zigzag order
	weights [25]int32
}

// wideEstimators apply if only the averages are known.
var wideEstimators = [smoothed]estimator{
	{1, [25]int32{
		-1, -1, 0, 1, 1,
		-3, 13, 0, -13, 3,
		-3, 38, 0, -38, 3,
		-3, 13, 0, -13, 3,
		-1, -1, 0, 1, 1,
	}},
	{2, [25]int32{
		-1, -3, -3, -3, -1,
		-1, 13, 38, 13, -1,
		0, 0, 0, 0, 0,
		1, -13, -38, -13, 1,
		1, 3, 3, 3, 1,
	}},
	{3, [25]int32{
		0, 0, 1, 0, 0,
		0, 2, 7, 2, 0,
		0, -5, -14, -5, 0,
		0, 2, 7, 2, 0,
		0, 0, 1, 0, 0,
	}},
	{4, [25]int32{
		-1, 0, 0, 0, 1,
		0, 9, 0, -9, 0,
		0, 0, 0, 0, 0,
		0, -9, 0, 9, 0,
		1, 0, 0, 0, -1,
	}},
	{5, [25]int32{
		0, 0, 0, 0, 0,
		0, 2, -5, 2, 0,
		1, 7, -14, 7, 1,
		0, 2, -5, 2, 0,
		0, 0, 0, 0, 0,
	}},
	{6, [25]int32{
		0, 0, 0, 0, 0,
		0, 1, 0, -1, 0,
		0, 2, 0, -2, 0,
		0, 1, 0, -1, 0,
		0, 0, 0, 0, 0,
	}},
	{7, [25]int32{
		0, 0, 0, 0, 0,
		0, 1, -3, 1, 0,
		0, 0, 0, 0, 0,
		0, -1, 3, -1, 0,
		0, 0, 0, 0, 0,
	}},
	{8, [25]int32{
		0, 0, 0, 0, 0,
		0, 1, 0, -1, 0,
		0, -3, 0, 3, 0,
		0, 1, 0, -1, 0,
		0, 0, 0, 0, 0,
	}},
	{9, [25]int32{
		0, 0, 0, 0, 0,
		0, 1, 2, 1, 0,
		0, 0, 0, 0, 0,
		0, -1, -2, -1, 0,
		0, 0, 0, 0, 0,
	}},
	{0, [25]int32{
		-2, -6, -8, -6, -2,
		-6, 6, 42, 6, -6,
		-8, 42, 152, 42, -8,
		-6, 6, 42, 6, -6,
		-2, -6, -8, -6, -2,
	}},
}

// narrowEstimators apply if some low frequency is known.
var narrowEstimators = [5]estimator{
	{1, [25]int32{
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
		-7, 50, 0, -50, 7,
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
	}},
	{2, [25]int32{
		0, 0, -7, 0, 0,
		0, 0, 50, 0, 0,
		0, 0, 0, 0, 0,
		0, 0, -50, 0, 0,
		0, 0, 7, 0, 0,
	}},
	{3, [25]int32{
		0, 0, -1, 0, 0,
		0, 0, 13, 0, 0,
		0, 0, -24, 0, 0,
		0, 0, 13, 0, 0,
		0, 0, -1, 0, 0,
	}},
	{4, [25]int32{
		0, -1, 0, 1, 0,
		-1, 10, 0, -10, 1,
		0, 0, 0, 0, 0,
		1, -10, 0, 10, -1,
		0, 1, 0, -1, 0,
	}},
	{5, [25]int32{
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
		-1, 13, -24, 13, -1,
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
	}},
}

// smoothRows turns the coefficients of an iMCU row of a component into samples,
// with smoothing.
func (d *decoder) smoothRows(c *component, iMCURow, rows int) {
	// The states before the last scan hold where its data have run out.
	bits := &c.bits
	var prev [64]int
	if iMCURow > d.scan.lastGoodRow {
		prev = c.prevBits
		if d.scans <= 1 {
			for k := range prev {
				prev[k] = -1
			}
		}
		bits = &prev
	}
	estimators := wideEstimators[:]
	for k := 1; k < smoothed; k++ {
		if bits[k] != -1 {
			estimators = narrowEstimators[:]
		}
	}
	var coefs [64]int16
	for y := range rows {
		// The five rows of blocks whose averages are used. Rows beyond the image
		// repeat their neighbors. How libjpeg counts rows for this in a last
		// iMCU row that is not full is part of the result.
		at, count := iMCURow*rows+y, rows*d.iMCURows
		here := iMCURow*c.v + y
		index := [5]int{here, here, here, here, here}
		if at > 0 {
			index[0], index[1] = here-1, here-1
		}
		if at > 1 {
			index[0] = here - 2
		}
		if at < count-1 {
			index[3], index[4] = here+1, here+1
		}
		if at < count-2 {
			index[4] = here + 2
		}
		var dc [25]int32
		for x := range c.wBlocks {
			c.averages(&dc, &index, x)
			coefs = [64]int16(c.coefs[64*(here*c.padW+x):])
			for i := range estimators {
				e := &estimators[i]
				at := zigzag[e.k]
				if e.k > 0 && (bits[e.k] == 0 || coefs[at] != 0) {
					continue
				}
				var sum int32
				for j, w := range e.weights {
					sum += w * dc[j]
				}
				coefs[at] = estimate(int64(c.quant[0])*int64(sum), int64(c.quant[at]), e.k, bits[e.k])
			}
			shape := dequantize(&d.block, &coefs, c.quant)
			d.inverse(shape, c.plane.block(x, y), c.plane.stride)
		}
	}
}

// averages fetches the DC coefficients around column x. Columns beyond the
// image repeat their neighbors.
func (c *component) averages(dc *[25]int32, rows *[5]int, x int) {
	for i, row := range rows {
		for j := range 5 {
			col := min(max(x+j-2, 0), c.wBlocks-1)
			dc[5*i+j] = int32(c.coefs[64*(row*c.padW+col)])
		}
	}
}

// estimate returns a weighted sum of averages as a coefficient: divided by 256
// quantization steps and rounded. If the upper bits of a coefficient are known to be 0,
// the estimate stays below them.
func estimate(sum, quant int64, k, bits int) int16 {
	negative := sum < 0
	if negative {
		sum = -sum
	}
	v := int32((quant<<7 + sum) / (quant << 8))
	if k > 0 && bits > 0 && v >= 1<<bits {
		v = 1<<bits - 1
	}
	if negative {
		v = -v
	}
	return int16(v)
}
