package simd

// Block is one pass of a long sum of products: it sums so few input values that
// their weights stay in the cache while tiles of pixels pass over them. Later
// blocks add to the result of the first; see GEMM.Accumulate.
type Block struct {
	Segments []Segment
	// First and K are the first row of the block's weights in a panel, and the
	// number of its rows.
	First, K int
}

// AppendSegment appends k input values from offset on to blocks, and returns the
// extended slice. It splits them so that no block sums more than limit values.
// xStep is as in [GEMM]: the floats from Lanes values to the next ones. Unless those
// are contiguous, both k and limit are multiples of Lanes.
func AppendSegment(blocks []Block, offset, k, limit, xStep int) []Block {
	for k > 0 {
		last := len(blocks) - 1
		if last < 0 || blocks[last].K >= limit {
			b := Block{}
			if last >= 0 {
				b.First = blocks[last].First + blocks[last].K
			}
			blocks = append(blocks, b)
			last++
		}
		b := &blocks[last]
		n := min(k, limit-b.K)
		b.Segments = append(b.Segments, Segment{Offset: offset, K: n})
		b.K += n
		offset += n/Lanes*step(xStep) + n%Lanes
		k -= n
	}
	return blocks
}

// Multiply runs g on a panel of so many columns, which are Panel or Lanes.
func (s *Set) Multiply(g *GEMM, columns int) {
	if columns == s.Panel {
		s.GEMM(g)
	} else {
		s.HalfGEMM(g)
	}
}
