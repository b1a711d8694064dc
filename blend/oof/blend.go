package oof

import "context"

// Mix says how predictions are blended.
type Mix struct {
	// Coefficients and Offsets are those of the models.
	Coefficients, Offsets []float64
	// ClassOffsets are those of the classes; nil means that they have none.
	ClassOffsets []float64
}

// bias returns what the offsets add to the sums of a row.
func (m Mix) bias(classes int) []float64 {
	bias := make([]float64, classes)
	for i, w := range m.Coefficients {
		for c := range bias {
			offset := m.Offsets[i]
			if m.ClassOffsets != nil {
				offset += m.ClassOffsets[c]
			}
			bias[c] -= w * offset
		}
	}
	return bias
}

// Blend calls do with the blended predictions of one block of the fold's rows
// after the other,
//
//	sum over models of weight x (prediction - offset - offset of the class)
//
// whose values above 0 are the labels given. They are overwritten by the next
// block. It may be called for several folds at once.
func (s *Set) Blend(ctx context.Context, fold int, mix Mix, do func(rows []int, values []float32) error) error {
	sums := make([]float64, blockRows*s.Classes)
	values := make([]float32, len(sums))
	bias := mix.bias(s.Classes)
	return s.Read(ctx, fold, func(b Block) error {
		n := len(b.Rows) * s.Classes
		for i := 0; i < n; i += s.Classes {
			copy(sums[i:], bias)
		}
		for m, p := range b.Predictions {
			w := mix.Coefficients[m]
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
