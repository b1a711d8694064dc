package oof

import "context"

// Mix holds the numbers by which predictions are blended.
type Mix struct {
	// Coefficients and Offsets hold one number per model.
	Coefficients, Offsets []float64
	// ClassOffsets holds one number per class; nil means none.
	ClassOffsets []float64
}

// bias returns the sum that the offsets add to each class of a row.
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

// Blend calls do with the blended predictions of a fold, one block of rows at a time:
//
//	sum over models of coefficient x (prediction - offset - offset of the class)
//
// A value above 0 is a label given. rows holds row numbers of the table, and values
// one row of classes for each. The next block overwrites values. Blend may run for
// several folds at once.
func (s *Set) Blend(ctx context.Context, fold int, mix Mix, do func(rows []int, values []float32) error) error {
	sums := make([]float64, blockRows*s.Columns)
	values := make([]float32, len(sums))
	bias := mix.bias(s.Columns)
	return s.Read(ctx, fold, func(b Block) error {
		n := len(b.Rows) * s.Columns
		for i := 0; i < n; i += s.Columns {
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
