package jpeg

import "encoding/binary"

// upsample returns row y of a component's iMCU row in the image's resolution.
func (d *decoder) upsample(p *plane, y int) []byte {
	near := floorDiv(y, p.vRatio)
	src := p.samples(near)
	if p.method == fullSize {
		return src
	}
	far := near + 1
	if p.vRatio == 2 && y&1 == 0 {
		far = near - 1
	}
	d.row = rowJob{dst: p.row, a: src[:p.dw]}
	if p.method.context() {
		d.row.b, d.row.bias = p.samples(far)[:p.dw], 1+y&1
	}
	switch p.method {
	case linearH:
		d.routines.UpsampleH(&d.row)
	case linearV:
		d.routines.UpsampleV(&d.row)
	case linearHV:
		d.routines.UpsampleHV(&d.row)
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

// The loops below work on four or eight samples at a time, in lanes of 16 bits
// of a word. Samples are at most 12 bits in between, so lanes do not mix.
const (
	lowBytes = 0x00ff00ff00ff00ff
	ones     = 0x0001000100010001
)

// lanes spreads four samples over the lanes of a word.
func lanes(src []byte) uint64 {
	v := uint64(binary.LittleEndian.Uint32(src))
	v = (v | v<<16) & 0x0000ffff0000ffff
	return (v | v<<8) & lowBytes
}

// upsampleH doubles the width of a row. Each output is 3/4 of the nearer sample
// and 1/4 of the farther; the first and last are a sample each. Halves are
// rounded down and up in turn:
//
//	dst[2*i] = (3*src[i] + src[i-1] + 1) / 4
//	dst[2*i+1] = (3*src[i] + src[i+1] + 2) / 4
func upsampleH(dst, src []byte) {
	n := len(src)
	dst = dst[:2*n]
	i, last := 0, uint64(src[0])
	if n > 4 {
		this := lanes(src)
		for ; i+8 <= n; i += 4 {
			next := lanes(src[i+4:])
			even := (3*this + (this<<16 | last) + ones) >> 2 & lowBytes
			odd := (3*this + (this>>16 | next<<48) + 2*ones) >> 2 & lowBytes
			binary.LittleEndian.PutUint64(dst[2*i:], even|odd<<8)
			last, this = this>>48, next
		}
	}
	for ; i < n; i++ {
		this, next := uint64(src[i]), uint64(src[min(i+1, n-1)])
		dst[2*i] = uint8((3*this + last + 1) >> 2)
		dst[2*i+1] = uint8((3*this + next + 2) >> 2)
		last = this
	}
}

// upsampleV makes a row that lies at 1/4 of the way from a nearer to a farther
// row:
//
//	dst[i] = (3*near[i] + far[i] + bias) / 4
func upsampleV(dst, near, far []byte, bias int) {
	n := len(near)
	far, dst = far[:n], dst[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		a, b := binary.LittleEndian.Uint64(near[i:]), binary.LittleEndian.Uint64(far[i:])
		even := (3*(a&lowBytes) + b&lowBytes + uint64(bias)*ones) >> 2 & lowBytes
		odd := (3*(a>>8&lowBytes) + b>>8&lowBytes + uint64(bias)*ones) >> 2 & lowBytes
		binary.LittleEndian.PutUint64(dst[i:], even|odd<<8)
	}
	for ; i < n; i++ {
		dst[i] = uint8((3*int(near[i]) + int(far[i]) + bias) >> 2)
	}
}

// upsampleHV is upsampleV and upsampleH without rounding in between:
//
//	sum[i] = 3*near[i] + far[i]
//	dst[2*i] = (3*sum[i] + sum[i-1] + 8) / 16
//	dst[2*i+1] = (3*sum[i] + sum[i+1] + 7) / 16
func upsampleHV(dst, near, far []byte) {
	n := len(near)
	far, dst = far[:n], dst[:2*n]
	i, last := 0, 3*uint64(near[0])+uint64(far[0])
	if n > 4 {
		this := 3*lanes(near) + lanes(far)
		for ; i+8 <= n; i += 4 {
			next := 3*lanes(near[i+4:]) + lanes(far[i+4:])
			even := (3*this + (this<<16 | last) + 8*ones) >> 4 & lowBytes
			odd := (3*this + (this>>16 | next<<48) + 7*ones) >> 4 & lowBytes
			binary.LittleEndian.PutUint64(dst[2*i:], even|odd<<8)
			last, this = this>>48, next
		}
	}
	for ; i < n; i++ {
		j := min(i+1, n-1)
		this, next := 3*uint64(near[i])+uint64(far[i]), 3*uint64(near[j])+uint64(far[j])
		dst[2*i] = uint8((3*this + last + 8) >> 4)
		dst[2*i+1] = uint8((3*this + next + 7) >> 4)
		last = this
	}
}
