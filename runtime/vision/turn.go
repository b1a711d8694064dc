package vision

// Turn returns the image as its EXIF orientation, 1 to 8, wants it shown. It
// is what Pillow's ImageOps.exif_transpose does. Other values, and 1, return m
// itself.
//
//	2 mirror left and right    5 transpose            6 turn right by 90°
//	3 turn by 180°             7 transpose and 180°   8 turn left by 90°
//	4 mirror top and bottom
func Turn(m *Image, orientation int) *Image {
	if orientation < 2 || orientation > 8 {
		return m
	}
	out := New(m.W, m.H)
	if orientation >= 5 {
		out = New(m.H, m.W)
	}
	for y := range m.H {
		src := m.row(y)
		for x := range m.W {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = m.W - 1 - x
			case 3:
				tx, ty = m.W-1-x, m.H-1-y
			case 4:
				ty = m.H - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = m.H-1-y, x
			case 7:
				tx, ty = m.H-1-y, m.W-1-x
			case 8:
				tx, ty = y, m.W-1-x
			}
			copy(out.Pix[3*(ty*out.W+tx):][:3], src[3*x:])
		}
	}
	return out
}
