package vision

// maxSteps is the number of additions that nearest makes before it multiplies.
const maxSteps = 1 << 20

// nearest copies the pixel at each position. Like Pillow, it adds up the step from
// pixel to pixel in float64 (Geometry.c, ImagingScaleAffine).
func (s *Scratch) nearest(m *Image, p part, dst tile) {
	place := func(in, out, from int) (at, step float64) {
		step = float64(in) / float64(out)
		at = step * 0.5
		if from > maxSteps {
			return at + float64(from)*step, step
		}
		for range from {
			at += step
		}
		return at, step
	}
	y, stepY := place(m.H, p.h, p.y)
	x0, stepX := place(m.W, p.w, p.x)
	for i := range p.ny {
		src, out := m.row(min(int(y), m.H-1)), dst.row(i, 3*p.nx)
		y += stepY
		x := x0
		for j := 0; j < len(out); j += 3 {
			copy(out[j:j+3], src[3*min(int(x), m.W-1):])
			x += stepX
		}
	}
}

// float resizes like tf.image.resize with method bilinear and without antialias: in
// float32, with half-pixel centers (resize_bilinear_op.cc). Its rows lie stride
// values apart and hold levels from 0 to 255.
func (s *Scratch) float(m *Image, p part, dst []float32, stride int) {
	type pair struct {
		low, high int
		share     float32
	}
	pairs := func(in, out, from, n int) []pair {
		scale := float32(in) / float32(out)
		list := make([]pair, n)
		for i := range list {
			at := float32((float32(from+i)+0.5)*scale) - 0.5
			low := int(at)
			if at < 0 {
				low = -1
			}
			list[i] = pair{min(max(low, 0), in-1), min(low+1, in-1), at - float32(low)}
		}
		return list
	}
	columns, rows := pairs(m.W, p.w, p.x, p.nx), pairs(m.H, p.h, p.y, p.ny)
	for y, r := range rows {
		top, bottom := m.row(r.low), m.row(r.high)
		out := dst[y*stride:][:3*p.nx]
		for x, c := range columns {
			for k := range 3 {
				mix := func(row []uint8) float32 {
					a, b := float32(row[3*c.low+k]), float32(row[3*c.high+k])
					return a + float32((b-a)*c.share)
				}
				a, b := mix(top), mix(bottom)
				out[3*x+k] = a + float32((b-a)*r.share)
			}
		}
	}
}
