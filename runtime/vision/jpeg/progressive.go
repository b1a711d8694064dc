package jpeg

import (
	"errors"
	"fmt"
	"math"
)

// blockDecoder decodes the data of a scan for one block into the block's coefficients.
type blockDecoder func(c *scanComponent, coefs *[64]int16, iMCURow int) error

// startProgressive checks the parameters of a progressive scan (T.81, G.1.1.1),
// prepares its tables and records which bits become known.
func (d *decoder) startProgressive() error {
	s := &d.scan
	bad := s.al > 13 || s.ah != 0 && s.al != s.ah-1
	if s.ss == 0 {
		bad = bad || s.se != 0
	} else {
		bad = bad || s.ss > s.se || s.se > 63 || len(s.comps) != 1
	}
	if bad {
		return fmt.Errorf("the progression of scan %d is malformed", d.scans)
	}
	for _, c := range s.comps {
		if s.ss > 0 && c.bits[0] < 0 {
			d.damaged("scan %d comes before the first coefficients of its component", d.scans)
		}
		for k := min(s.ss, 1); k <= max(s.se, 9); k++ {
			c.prevBits[k] = 0
			if d.scans > 1 {
				c.prevBits[k] = c.bits[k]
			}
		}
		for k := s.ss; k <= s.se; k++ {
			if s.ah != max(c.bits[k], 0) {
				d.damaged("scan %d does not continue the scans before it", d.scans)
			}
			c.bits[k] = s.al
		}
	}
	for _, c := range s.comps {
		var err error
		switch {
		case s.ss > 0:
			c.ac, err = d.table(1, c.acID, s.ah == 0)
		case s.ah == 0:
			c.dc, err = d.table(0, c.dcID, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// progressiveDecoder returns the decoder of the scan's kind.
func (d *decoder) progressiveDecoder() blockDecoder {
	switch s := &d.scan; {
	case s.ss == 0 && s.ah == 0:
		return d.decodeDC
	case s.ss == 0:
		return d.refineDC
	case s.ah == 0:
		return d.decodeAC
	}
	return d.refineAC
}

// decodeDC decodes a DC coefficient for the first time.
func (d *decoder) decodeDC(c *scanComponent, coefs *[64]int16, iMCURow int) error {
	pred := int64(c.pred) + int64(d.coefficient(d.code(c.dc, iMCURow)))
	if pred != int64(int32(pred)) {
		return errors.New("a DC coefficient overflows")
	}
	c.pred = int32(pred)
	coefs[0] = int16(c.pred << d.scan.al)
	return nil
}

// refineDC adds a bit to a DC coefficient.
func (d *decoder) refineDC(_ *scanComponent, coefs *[64]int16, _ int) error {
	coefs[0] |= int16(d.bit() << d.scan.al)
	return nil
}

// decodeAC decodes the AC coefficients of a band for the first time (T.81,
// G.1.2.2).
func (d *decoder) decodeAC(c *scanComponent, coefs *[64]int16, iMCURow int) error {
	s := &d.scan
	if s.eobRun > 0 {
		s.eobRun--
		return nil
	}
	for k := s.ss; k <= s.se; k++ {
		e := d.code(c.ac, iMCURow)
		run := e >> 8 & 15
		if v := d.coefficient(e); v != 0 {
			k += int(run)
			coefs[zigzag[k&127]&63] = int16(v << s.al)
			continue
		}
		if run != 15 {
			s.eobRun = d.readEOBRun(run) - 1
			break
		}
		k += 15
	}
	return nil
}

// readEOBRun reads the number of blocks without further coefficients.
func (d *decoder) readEOBRun(run uint32) int {
	n := 1 << run
	if run > 0 {
		n += int(d.take(uint(run)))
	}
	return n
}

// refineAC adds a bit to the AC coefficients of a band (T.81, G.1.2.3). It inserts
// coefficients that become nonzero.
func (d *decoder) refineAC(c *scanComponent, coefs *[64]int16, iMCURow int) error {
	s := &d.scan
	delta := int16(1) << s.al
	k := s.ss
	if s.eobRun == 0 {
		for ; k <= s.se; k++ {
			e := d.code(c.ac, iMCURow)
			zeros := int(e >> 8 & 15)
			var inserted int16
			if size := e >> 12 & 15; size != 0 {
				if size != 1 {
					d.badCode(iMCURow * 8 * d.maxV)
				}
				inserted = -delta
				if d.bit() != 0 {
					inserted = delta
				}
			} else if zeros != 15 {
				s.eobRun = d.readEOBRun(uint32(zeros))
				break
			}
			k = d.refineNonzero(coefs, k, zeros, delta)
			if inserted != 0 {
				coefs[zigzag[k&127]&63] = inserted
			}
		}
	}
	if s.eobRun > 0 {
		d.refineNonzero(coefs, k, math.MaxInt, delta)
		s.eobRun--
	}
	return nil
}

// refineNonzero adds a bit to the nonzero coefficients from k on, up to the
// end of the band or the zero coefficient after so many others. It returns
// where it stopped.
func (d *decoder) refineNonzero(coefs *[64]int16, k, zeros int, delta int16) int {
	acc, n := d.acc, d.n
	for se := d.scan.se; k <= se; k++ {
		p := &coefs[zigzag[k&127]&63]
		v := *p
		if v == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if n < 1 {
			n, acc = d.refill(acc, n)
		}
		if int64(acc) < 0 && v&delta == 0 {
			if v >= 0 {
				*p = v + delta
			} else {
				*p = v - delta
			}
		}
		acc <<= 1
		n--
	}
	d.acc, d.n = acc, n
	return k
}
