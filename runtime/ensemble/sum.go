package ensemble

import "math"

// fraction is how many fractional bits the terms of a sum have. With maxWeight
// and predictions between -1 and 1 a sum stays far inside an int64.
const fraction = 44

// sum adds up weight x prediction for every image and class. The terms are
// fixed-point, so that their order doesn't matter.
type sum struct {
	classes int
	total   []int64
}

func newSum(images, classes int) *sum {
	return &sum{classes, make([]int64, images*classes)}
}

// add adds the predictions of the first images, a row of classes each.
// Rows that begin with NaN are images without prediction.
func (s *sum) add(weight float64, predictions []float32) {
	for i := 0; i < len(predictions); i += s.classes {
		row := predictions[i : i+s.classes]
		if missing(row) {
			continue
		}
		total := s.total[i : i+s.classes]
		for c, p := range row {
			total[c] += int64(math.RoundToEven(weight * float64(p) * (1 << fraction)))
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
