package problem

import "slices"

// few is the number of events below which a comparison sort is faster.
const few = 512

// sortEvents sorts m.events by place; events at one place keep their order. It is an
// LSD radix sort with 11 bits a pass.
func sortEvents(m *scratch) {
	if len(m.events) < few {
		slices.SortStableFunc(m.events, func(a, b event) int { return int(place(a)) - int(place(b)) })
		return
	}
	const digits, values = 3, 1 << 11
	var ends [digits][values]int
	for _, e := range m.events {
		p := place(e)
		ends[0][p%values]++
		ends[1][p>>11%values]++
		ends[2][p>>22]++
	}
	if cap(m.more) < len(m.events) {
		m.more = make([]event, len(m.events), cap(m.events))
	}
	from, to := m.events, m.more[:len(m.events)]
	for d := range digits {
		next := &ends[d]
		sum := 0
		for i, n := range next {
			next[i] = sum
			sum += n
		}
		for _, e := range from {
			v := place(e) >> (11 * d) % values
			to[next[v]] = e
			next[v]++
		}
		from, to = to, from
	}
	m.events, m.more = from, to
}
