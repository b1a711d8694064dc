package jpeg

import (
	"errors"
	"fmt"
)

// scan is the state of the current scan.
type scan struct {
	comps  []*scanComponent
	ss, se int // the band of coefficients
	ah, al int // the successive approximation bit positions

	mcu          []mcuBlock // the blocks of an MCU
	cols, rows   int        // MCUs a row, and rows of MCUs
	toGo         int        // MCUs before the next restart marker
	nextRestart  byte       // its number
	insufficient bool       // the data of the segment are used up
	eobRun       int        // blocks that have no more coefficients in the band
	lastGoodRow  int        // the last iMCU row that had data
	twoPass      *twoPass   // reads the scan if two bytes 0xff meet in it, else nil
}

// scanComponent is a component of a scan.
type scanComponent struct {
	*component
	dcID, acID int
	dc, ac     *huffTable
	pred       int32 // the last DC coefficient
}

// mcuBlock is a block of an MCU: its component and its position in the MCU.
type mcuBlock struct {
	c    *scanComponent
	x, y int
}

// readSOS reads a scan header (T.81, B.2.3).
func (d *decoder) readSOS() error {
	if d.comps == nil {
		return errors.New("a scan comes before the frame header")
	}
	s, err := d.segment()
	if err != nil {
		return err
	}
	if len(s) < 1 || s[0] < 1 || s[0] > 4 || len(s) != 4+2*int(s[0]) {
		return errors.New("a scan header is malformed")
	}
	n := int(s[0])
	next := scan{lastGoodRow: d.scan.lastGoodRow}
	for i := range n {
		id, tables := s[1+2*i], s[2+2*i]
		c := d.scanned(next.comps, id)
		if c == nil {
			return fmt.Errorf("a scan names component %d, which the image does not have", id)
		}
		next.comps = append(next.comps, &scanComponent{component: c, dcID: int(tables >> 4), acID: int(tables & 15)})
	}
	p := s[1+2*n:]
	next.ss, next.se, next.ah, next.al = int(p[0]), int(p[1]), int(p[2]>>4), int(p[2]&15)
	d.scan = next
	d.scans++
	return nil
}

// scanned returns the component with the identifier that a scan header names next. If
// identifiers are used twice, the position in the header decides, as in libjpeg.
func (d *decoder) scanned(before []*scanComponent, id byte) *component {
	for i, c := range d.comps {
		if c.id != id || i < len(before) {
			continue
		}
		for _, b := range before {
			if b.component == c {
				return nil
			}
		}
		return c
	}
	return nil
}

// startScan checks the scan and prepares its tables.
func (d *decoder) startScan() error {
	s := &d.scan
	if len(s.comps) == 1 {
		c := s.comps[0]
		s.cols, s.rows = c.wBlocks, c.hBlocks
		s.mcu = []mcuBlock{{c: c}}
	} else {
		s.cols, s.rows = d.iMCUCols, d.iMCURows
		for _, c := range s.comps {
			for i := range c.h * c.v {
				s.mcu = append(s.mcu, mcuBlock{c: c, x: i % c.h, y: i / c.h})
			}
		}
		if len(s.mcu) > maxMCUBlocks {
			return fmt.Errorf("the sampling factors make %d blocks an MCU, the standard allows %d", len(s.mcu), maxMCUBlocks)
		}
	}
	for _, c := range s.comps {
		if c.quant != nil {
			continue
		}
		if c.quantID > 3 || d.quant[c.quantID] == nil {
			return fmt.Errorf("quantization table %d is missing", c.quantID)
		}
		c.quant = d.quant[c.quantID]
	}
	if d.progressive {
		if err := d.startProgressive(); err != nil {
			return err
		}
	} else {
		for _, c := range s.comps {
			var err error
			if c.dc, err = d.table(0, c.dcID, true); err != nil {
				return err
			}
			if c.ac, err = d.table(1, c.acID, true); err != nil {
				return err
			}
		}
	}
	d.dropBits()
	s.toGo = d.restartInterval
	if d.hasDoubled() {
		s.twoPass = d.newTwoPass()
	}
	return nil
}

// beginMCU prepares for the next MCU of an iMCU row, and reads the restart marker
// before it. It reports whether there are data for the MCU.
func (d *decoder) beginMCU(iMCURow int) bool {
	s := &d.scan
	if !s.insufficient {
		s.lastGoodRow = iMCURow
	}
	if d.restartInterval > 0 {
		if s.toGo == 0 {
			d.restart(iMCURow)
		}
		s.toGo--
	}
	return !s.insufficient
}

// endMCU records whether the data have run out.
func (d *decoder) endMCU(iMCURow int) {
	if d.ranDry() && !d.scan.insufficient {
		d.scan.insufficient = true
		d.dataEnded(iMCURow * 8 * d.maxV)
	}
}

// restart reads a restart marker and resets the state of the scan.
func (d *decoder) restart(iMCURow int) {
	s := &d.scan
	left := d.dropBits()
	if d.marker == 0 && !d.nextMarker() {
		d.marker = mEOI
	}
	if left/8+d.discarded > 0 {
		d.damaged("surplus bytes before a restart marker at row %d of %d", iMCURow*8*d.maxV, d.height)
	}
	d.discarded = 0
	if d.marker == mRST0+s.nextRestart {
		d.marker = 0
	} else {
		d.resync(iMCURow)
	}
	s.nextRestart = (s.nextRestart + 1) & 7
	for _, c := range s.comps {
		c.pred = 0
	}
	s.eobRun = 0
	s.toGo = d.restartInterval
	if d.marker == 0 {
		s.insufficient = false
	}
}

// resync decides how to continue after a marker other than the expected restart
// marker, like libjpeg. It skips a marker of the near past. It keeps one of the near
// future, so that the segments before it are empty. It accepts a restart marker
// further away as the expected one. Other markers end the scan.
func (d *decoder) resync(iMCURow int) {
	d.damaged("a restart marker is missing at row %d of %d", iMCURow*8*d.maxV, d.height)
	for {
		m := d.marker
		if m >= mSOF0 {
			if m < mRST0 || m > mRST7 {
				return
			}
			switch (m - mRST0 - d.scan.nextRestart) & 7 {
			case 1, 2:
				return
			case 6, 7:
			default:
				d.marker = 0
				return
			}
		}
		if !d.nextMarker() {
			d.marker = mEOI
			return
		}
	}
}
