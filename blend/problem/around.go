package problem

// Around returns the problem of the points near center, a point whose coefficients
// sum to 1. A point q of the new problem stands for the point
//
//	(1-radius) center + radius q
//
// of s. So center keeps its coordinates, and the corners (one model alone) lie near
// center. The scores of points come from s.
//
// The pruning of the package comment applies with the blends at the corners in place
// of the models. With a radius of 0.1 it drops about nine in ten entries, and
// everything takes a tenth of the time. Around panics if s is itself the result of
// Around.
func (s *Sign) Around(center []float64, radius float64) Problem {
	if s.region != nil {
		panic("problem: internal error: a region of a region")
	}
	r := &region{center, radius}
	m := s.memory()
	defer s.scratch.Put(m)
	move := m.bits
	s.changing(move, r, m.sums)
	// Entries that can't change are given everywhere if they are given at the center.
	given := make([]uint64, len(move))
	s.signs(given, m.sums, center)
	sub := &Sign{options: s.options, set: s.set, models: s.models, width: s.width, region: r}
	sub.keep(s, move, given)
	return sub
}

// region is the part of all points that a problem covers.
type region struct {
	center []float64
	radius float64
}

// place returns the point of the whole problem that a point of the region stands for.
func (r *region) place(point []float64) []float64 { return Between(r.center, point, r.radius) }

// place returns the point of the whole problem that a point of s stands for.
func (s *Sign) place(point []float64) []float64 {
	if s.region == nil {
		return point
	}
	return s.region.place(point)
}

// slack exceeds the rounding error of a sum of predictions.
const slack = 1e-12

// changing sets the bits of the entries that some points of the region give and
// others do not.
func (s *Sign) changing(bits []uint64, r *region, sums []float64) {
	margin := r.radius*s.options.MaxOffset + slack
	var corners [][]float64
	for k := range s.models {
		c := make([]float64, len(r.center))
		c[k] = 1
		corners = append(corners, r.place(c))
	}
	var some, all, now [block / 64]uint64
	for at := 0; at < len(s.of); at += block {
		clear(some[:])
		for i := range all {
			all[i] = ^uint64(0)
		}
		for _, c := range corners {
			b := bias(c, s.models)
			s.set.Dot(sums, s.columns, at, c[:s.models], b+margin)
			s.set.Positive(now[:], sums)
			for i, w := range now {
				some[i] |= w
			}
			s.set.Dot(sums, s.columns, at, c[:s.models], b-margin)
			s.set.Positive(now[:], sums)
			for i, w := range now {
				all[i] &= w
			}
		}
		for i := range some {
			bits[at/64+i] = some[i] &^ all[i]
		}
	}
}

// keep fills s with the entries of from whose bits are set in move. given tells which
// of the others are given. Rows without entries are settled.
func (s *Sign) keep(from *Sign, move, given []uint64) {
	n := count(move, 0, len(from.of))
	kept := make([]int32, 0, n)
	s.of, s.classes = make([]uint32, 0, n), make([]uint16, 0, n)
	s.start = []int{0}
	for i := range given {
		given[i] &^= move[i]
	}
	keep := func(i int) {
		kept = append(kept, int32(i))
		s.of = append(s.of, uint32(len(s.fixed))<<1|from.of[i]&1)
		s.classes = append(s.classes, from.classes[i])
	}
	for r, fixed := range from.fixed {
		start, middle, end := from.start[r], from.middle[r], from.start[r+1]
		hits := count(given, start, middle)
		fixed.hits += uint32(hits)
		fixed.given += uint32(hits + count(given, middle, end))
		each(move, start, middle, keep)
		between := len(kept)
		each(move, middle, end, keep)
		if len(kept) == s.start[len(s.fixed)] {
			s.settled.add(fixed.plus(0, 0), s.options.Beta)
			continue
		}
		s.fixed = append(s.fixed, fixed)
		s.middle, s.start = append(s.middle, between), append(s.start, len(kept))
	}
	for _, c := range from.columns {
		column := make([]float32, n, padded(n))
		for i, k := range kept {
			column[i] = c[k]
		}
		s.columns = append(s.columns, column)
	}
	s.pad()
}
