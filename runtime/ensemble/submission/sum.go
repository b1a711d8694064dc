// Package submission turns predictions into the submission: it adds them up over the
// folds, gives labels, and writes the files.
//
//	sum := submission.NewSum(plan, len(images))
//	sum.Add(model.Coefficient, predictions) // for each fold
//	err := submission.Write("submission.csv", sample, rows, sum, sum.Fallback(plan.Fallback))
//
// A row of predictions has a value for each class. Rows of NaN belong to images without
// prediction.
//
// The terms of a sum are fixed-point numbers with 44 fractional bits. So the submission
// is the same, byte for byte, for any order of the folds.
package submission

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// fraction is the number of fractional bits of the terms of a sum. With
// ensemble.MaxCoefficients, predictions between -2 and 2, and offsets between -1 and 1, a sum
// fits into an int64: 3 × 2^16 × 2^44 < 2^63.
const fraction = 44

// Sum adds up coefficient × (prediction − class offset) for every image and class.
type Sum struct {
	classes int
	offsets []float64 // by class
	total   []int64   // images × classes
	has     []bool    // by image: has a prediction
}

// NewSum returns a sum of no predictions for a number of images.
func NewSum(p *ensemble.Plan, images int) *Sum {
	s := &Sum{p.Classes, p.ClassOffsets, make([]int64, images*p.Classes), make([]bool, images)}
	if len(s.offsets) == 0 {
		s.offsets = make([]float64, p.Classes)
	}
	return s
}

// Add adds the predictions of a fold for the first images. Images without prediction
// stay as they are.
func (s *Sum) Add(coefficient float64, predictions []float32) {
	for i := 0; i < len(predictions); i += s.classes {
		row := predictions[i : i+s.classes]
		if isMissing(row) {
			continue
		}
		s.has[i/s.classes] = true
		total := s.total[i : i+s.classes]
		for c, p := range row {
			total[c] += int64(math.RoundToEven(coefficient * (float64(p) - s.offsets[c]) * (1 << fraction)))
		}
	}
}

// Has reports whether an image has a prediction.
func (s *Sum) Has(image int) bool { return s.has[image] }

// row returns the sums of an image, by class.
func (s *Sum) row(image int) []int64 { return s.total[image*s.classes : (image+1)*s.classes] }

// appendLabels appends the labels of an image to dst: the classes with positive sums.
func (s *Sum) appendLabels(dst []int, image int) []int {
	for c, v := range s.row(image) {
		if v > 0 {
			dst = append(dst, c)
		}
	}
	return dst
}

// isMissing reports whether a row belongs to an image without prediction.
func isMissing(row []float32) bool { return row[0] != row[0] }

// MarkMissing makes row the row of an image without prediction.
func MarkMissing(row []float32) {
	for c := range row {
		row[c] = float32(math.NaN())
	}
}
