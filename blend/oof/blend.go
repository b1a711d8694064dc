package oof

import "context"

// Blend calls do with the blended predictions of one block of the fold's rows
// after the other,
//
//	sum over models of weight x (prediction - offset)
//
// whose values above 0 are the labels given. They are overwritten by the next
// block. It may be called for several folds at once.
func (s *Set) Blend(ctx context.Context, fold int, weights, offsets []float64, do func(rows []int, values []float32) error) error {
	sums := make([]float64, blockRows*s.Classes)
	values := make([]float32, len(sums))
	bias := 0.0
	for m, w := range weights {
		bias -= w * offsets[m]
	}
	return s.Read(ctx, fold, func(b Block) error {
		n := len(b.Rows) * s.Classes
		for i := range sums[:n] {
			sums[i] = bias
		}
		for m, p := range b.Predictions {
			w := weights[m]
			for i, v := range p {
				sums[i] += w * float64(v)
			}
		}
		finite := true
		for i, v := range sums[:n] {
			values[i] = float32(v)
			finite = finite && v-v == 0
		}
		if !finite {
			if err := s.NotFinite(fold, b); err != nil {
				return err
			}
		}
		return do(b.Rows, values[:n])
	})
}
