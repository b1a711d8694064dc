package jpeg

import "fmt"

// damaged records what is wrong with the file, unless something was recorded
// before: later damage is mostly a consequence of the first.
func (d *decoder) damaged(format string, args ...any) {
	if d.damage == "" {
		d.damage = fmt.Sprintf(format, args...)
	}
}

// dataEnded records that the entropy-coded data ended inside the MCU row that
// starts at a row of the image.
func (d *decoder) dataEnded(row int) {
	if d.damage != "" {
		return
	}
	what := "the data of a scan end"
	switch {
	case d.atEnd():
		what = "the file is truncated"
	case d.marker >= mRST0 && d.marker <= mRST7:
		what = "the data before a restart marker end"
	}
	if d.multiScan {
		d.damaged("%s at row %d of %d in scan %d", what, row, d.height, d.scans)
	} else {
		d.damaged("%s at row %d of %d", what, row, d.height)
	}
}

// badCode records a Huffman code that the file's tables do not define.
func (d *decoder) badCode(row int) {
	d.damaged("the data are corrupt at row %d of %d", row, d.height)
}
