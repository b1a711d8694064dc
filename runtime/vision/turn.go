package vision

// Turn returns the image upright, given its EXIF orientation from 1 to 8. It equals
// Pillow's ImageOps.exif_transpose. For 1 and for other values it returns m itself.
//
//	2 mirror left and right    5 transpose            6 turn right by 90°
//	3 turn by 180°             7 transpose and 180°   8 turn left by 90°
//	4 mirror top and bottom
func Turn(m *Image, orientation int) *Image {
	if orientation < 2 || orientation > 8 {
		return m
	}
	w, h := m.W, m.H
	out := New(w, h)
	if orientation >= 5 {
		out = New(h, w)
	}
	// The offset in out of m's first pixel, and the steps in out for one pixel
	// to the right and one row down in m.
	t := [...]struct{ first, right, down int }{
		2: {w - 1, -1, w},
		3: {w*h - 1, -1, -w},
		4: {w*h - w, 1, -w},
		5: {0, h, 1},
		6: {h - 1, h, -1},
		7: {w*h - 1, -h, -1},
		8: {w*h - h, -h, 1},
	}[orientation]
	for y := range h {
		src := m.row(y)
		at := 3 * (t.first + y*t.down)
		for ; len(src) > 0; src = src[3:] {
			copy(out.Pix[at:at+3], src)
			at += 3 * t.right
		}
	}
	return out
}
