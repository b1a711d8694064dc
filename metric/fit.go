package metric

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Fit returns the decision with the best score, and that score. It is exact: it passes
// every threshold of a multilabel problem, and finds the best of all grade bounds. A
// metric that scores no decision, or only that of the highest class, gets the zero
// Decision.
func (m Metric) Fit(y Rows) (Decision, float64) {
	var d Decision
	switch {
	case !m.Decides() || y.Len() == 0 || y.Task == task.Multiclass:
	case y.Task == task.Multilabel:
		d.Threshold = m.threshold(y)
	default:
		values, grades := make([]float64, y.Len()), make([]int, y.Len())
		for i := range values {
			values[i], grades[i] = float64(y.Row(i)[0]), y.grade(i)
		}
		d.Bounds, _ = m.Bounds(values, grades, nil, y.Grades())
	}
	return d, m.Score(y, d)
}

// Bounds returns the grade bounds with which values have the best score, and that
// score. The metric is quadratic-kappa or accuracy. grades holds the true grades, each
// below count. times says how many rows have each value and grade; nil means one.
//
// Sorted by value, the rows fall into one run for each grade. The cost of a run is a sum
// over its rows, so dynamic programming over the ends of runs finds the best bounds in
// O(rows x count). For accuracy, a row costs 1 unless it is right. The kappa is 1 - a/b
// for two such sums, and the method of Dinkelbach (1967, "On nonlinear fractional
// programming") minimizes a/b: it minimizes a - r b for the ratio r found before, until
// that is 0. So the result is the optimum over all bounds.
//
// A bound lies halfway between two values. Grades that no row gets have equal bounds.
func (m Metric) Bounds(values []float64, grades, times []int, count int) (bounds []float64, score float64) {
	s := newRuns(values, grades, times, count)
	if m.Name == Accuracy {
		s.cut(func(truth, decided int) float64 {
			if truth == decided {
				return 0
			}
			return 1
		})
		return s.bounds(), m.Confused(s.confusion())
	}
	s.cut(func(truth, decided int) float64 { return float64((truth - decided) * (truth - decided)) })
	score = m.Confused(s.confusion())
	best := s.bounds()
	for range 100 { // a handful suffice
		ratio := 1 - score
		s.cut(func(truth, decided int) float64 {
			return float64((truth-decided)*(truth-decided)) - ratio*s.chance[decided]
		})
		next := m.Confused(s.confusion())
		if next <= score+1e-15 {
			break
		}
		score, best = next, s.bounds()
	}
	return best, score
}

// runs are rows in ascending order of value that fall into a run for each grade.
type runs struct {
	values []float64
	grades []int
	times  []int
	count  int
	// chance is the mean of (t-d)² over the true grades t of all rows, by grade d.
	chance []float64
	ends   []int // by grade, the end of its run
	// nans is the number of rows, the first ones, whose value is NaN. They have the
	// lowest grade whatever the bounds.
	nans int
}

// far is beyond every float32, and stands for an infinity.
const far = 1e300

func newRuns(values []float64, grades, times []int, count int) *runs {
	s := &runs{count: count, chance: make([]float64, count), ends: make([]int, count)}
	type row struct {
		value        float64
		grade, times int
	}
	rows := make([]row, len(values))
	frequency := make([]int, count)
	all := 0
	for i, v := range values {
		r := row{min(max(v, -far), far), grades[i], 1}
		if times != nil {
			r.times = times[i]
		}
		if v != v {
			r.value = math.Inf(-1)
			s.nans++
		}
		rows[i] = r
		frequency[r.grade] += r.times
		all += r.times
	}
	slices.SortFunc(rows, func(a, b row) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	for _, r := range rows {
		s.values, s.grades, s.times = append(s.values, r.value), append(s.grades, r.grade), append(s.times, r.times)
	}
	for d := range s.chance {
		for t, n := range frequency {
			s.chance[d] += float64(n*(t-d)*(t-d)) / float64(all)
		}
	}
	return s
}

// cut sets the ends of the runs with the least sum of costs. Ties go to the earliest
// ends.
func (s *runs) cut(cost func(truth, decided int) float64) {
	n := len(s.values)
	table := make([]float64, s.count) // cost of a row, by true grade
	least := make([]float64, n+1)     // of the first rows, with the grades so far
	from := make([][]int32, s.count)  // by grade and end of its run, the run's start
	for d := range s.count {
		for t := range table {
			table[t] = cost(t, d)
		}
		from[d] = make([]int32, n+1)
		sum := 0.0 // cost of the rows before i with the grade d
		start, low := 0, math.Inf(1)
		for i := range n + 1 {
			if s.splits(i) {
				may := i >= s.nans
				if d == 0 {
					may = i == 0
				}
				if v := least[i] - sum; v < low && may {
					start, low = i, v
				}
				least[i], from[d][i] = low+sum, int32(start)
			}
			if i < n {
				sum += float64(s.times[i]) * table[s.grades[i]]
			}
		}
	}
	end := n
	for d := s.count - 1; d >= 0; d-- {
		s.ends[d] = end
		end = int(from[d][end])
	}
}

// splits reports whether a bound may lie before row i, which is unlike the row before
// it.
func (s *runs) splits(i int) bool {
	return i == 0 || i == len(s.values) || s.values[i] > s.values[i-1]
}

// bounds returns the bounds between the runs.
func (s *runs) bounds() []float64 {
	bounds := []float64{}
	n := len(s.values)
	for _, end := range s.ends[:s.count-1] {
		switch {
		case n == 0:
			bounds = append(bounds, 0)
		case end == s.nans && end < n:
			bounds = append(bounds, s.values[end]-0.5)
		case end == n:
			bounds = append(bounds, s.values[n-1]+0.5)
		default:
			low, high := s.values[end-1], s.values[end]
			if b := low + (high-low)/2; b < high {
				low = b
			}
			bounds = append(bounds, low)
		}
	}
	return bounds
}

// confusion returns the true and the decided grades.
func (s *runs) confusion() *Confusion {
	c := NewConfusion(s.count)
	at := 0
	for d, end := range s.ends {
		for ; at < end; at++ {
			c.Add(s.grades[at], d, s.times[at])
		}
	}
	return c
}
