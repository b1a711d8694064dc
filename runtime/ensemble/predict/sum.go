package predict

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// fraction is how many fractional bits the terms of a sum have. With MaxWeight,
// predictions between -2 and 2 and offsets between -1 and 1 a sum stays inside an
// int64: 3 x 2^16 x 2^44 < 2^63.
const fraction = 44

// sum adds up weight x (prediction - offset of the class) for every image and
// class. The terms are fixed-point, so that their order doesn't matter.
type sum struct {
	classes int
	offsets []float64 // by class
	total   []int64
	has     []bool // the images that have a prediction
}

func newSum(images int, p *ensemble.Plan) *sum {
	s := &sum{p.Classes, p.ClassOffsets, make([]int64, images*p.Classes), make([]bool, images)}
	if len(s.offsets) == 0 {
		s.offsets = make([]float64, p.Classes)
	}
	return s
}

// add adds the predictions of the first images, a row of classes each.
// Rows that begin with NaN are images without prediction.
func (s *sum) add(weight float64, predictions []float32) {
	for i := 0; i < len(predictions); i += s.classes {
		row := predictions[i : i+s.classes]
		if missing(row) {
			continue
		}
		s.has[i/s.classes] = true
		total := s.total[i : i+s.classes]
		for c, p := range row {
			total[c] += int64(math.RoundToEven(weight * (float64(p) - s.offsets[c]) * (1 << fraction)))
		}
	}
}

// labels appends the classes that image i is given to dst.
func (s *sum) labels(dst []int, i int) []int {
	for c, v := range s.total[i*s.classes : (i+1)*s.classes] {
		if v > 0 {
			dst = append(dst, c)
		}
	}
	return dst
}

// missing reports whether a row of predictions is that of an image that could
// not be read.
func missing(row []float32) bool { return row[0] != row[0] }

// miss makes a row that of an image that could not be read.
func miss(row []float32) {
	for c := range row {
		row[c] = float32(math.NaN())
	}
}

func sigmoid(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }
