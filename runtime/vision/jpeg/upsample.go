package jpeg

// upsample returns row y of the iMCU row in the image's resolution.
func (p *plane) upsample(y int) []byte {
	near := floorDiv(y, p.vRatio)
	src := p.samples(near)
	if p.method == fullSize {
		return src
	}
	far := near + 1
	if p.vRatio == 2 && y&1 == 0 {
		far = near - 1
	}
	switch p.method {
	case linearH:
		upsampleH(p.row, src[:p.dw])
	case linearV:
		upsampleV(p.row, src[:p.dw], p.samples(far)[:p.dw], 1+y&1)
	case linearHV:
		upsampleHV(p.row, src[:p.dw], p.samples(far)[:p.dw])
	case replicate:
		repeatH(p.row, src[:p.dw], p.hRatio)
	}
	return p.row
}

// floorDiv is a/b rounded down, for b > 0.
func floorDiv(a, b int) int {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}

// repeatH writes each sample n times.
func repeatH(dst, src []byte, n int) {
	for _, s := range src {
		for i := range n {
			dst[i] = s
		}
		dst = dst[n:]
	}
}

// upsampleH doubles the width of at least two samples. Each output is 3/4 of
// the nearer sample and 1/4 of the farther. Halves are rounded down and up in
// turn.
func upsampleH(dst, src []byte) {
	n := len(src)
	dst = dst[:2*n]
	dst[0] = src[0]
	last := int32(src[0])
	this := last
	for i, s := range src[1:] {
		next := int32(s)
		pair := dst[2*i : 2*i+2 : 2*i+2]
		if i > 0 {
			pair[0] = uint8((3*this + last + 1) >> 2)
		}
		pair[1] = uint8((3*this + next + 2) >> 2)
		last, this = this, next
	}
	dst[2*n-2] = uint8((3*this + last + 1) >> 2)
	dst[2*n-1] = src[n-1]
}

// upsampleV makes a row that lies at 1/4 of the way from a nearer to a farther
// row.
func upsampleV(dst, near, far []byte, bias int) {
	far = far[:len(near)]
	dst = dst[:len(near)]
	for i, s := range near {
		dst[i] = uint8((3*int32(s) + int32(far[i]) + int32(bias)) >> 2)
	}
}

// upsampleHV is upsampleV and upsampleH without rounding in between, of at
// least two samples.
func upsampleHV(dst, near, far []byte) {
	n := len(near)
	far = far[:n]
	dst = dst[:2*n]
	last := 3*int32(near[0]) + int32(far[0])
	this := last
	dst[0] = uint8((4*this + 8) >> 4)
	for i := 1; i < n; i++ {
		next := 3*int32(near[i]) + int32(far[i])
		pair := dst[2*i-1 : 2*i+1 : 2*i+1]
		pair[0] = uint8((3*this + next + 7) >> 4)
		pair[1] = uint8((3*next + this + 8) >> 4)
		this = next
	}
	dst[2*n-1] = uint8((4*this + 7) >> 4)
}
