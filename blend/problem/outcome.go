package problem

import "github.com/deploy-kernel/deploy-kernel/metric"

// Outcome is what the rows of a problem come to at a point. Nothing changes it, and
// several goroutines may use it at once.
type Outcome interface {
	// Score returns the score of a sample that has row i times[i] times; higher is
	// better. Rows are numbered as in [Rows.FoldStarts].
	Score(times []int) float64
}

// perFold returns the values of all rows at one point, or those of each fold's rows at
// the point of the fold. values returns the values of all rows at a point.
func perFold[T any](starts []int, points [][]float64, values func(point []float64) []T) []T {
	if len(points) == 1 {
		return values(points[0])
	}
	var all []T
	for fold, point := range points {
		all = append(all, values(point)[starts[fold]:starts[fold+1]]...)
	}
	return all
}

// rowMeans holds the score of each row of a score that is their mean.
type rowMeans []float64

func (o rowMeans) Score(times []int) float64 {
	sum, n := 0.0, 0
	for i, t := range times {
		sum += float64(t) * o[i]
		n += t
	}
	return sum / float64(max(n, 1))
}

// rowCounts holds the counts of each row of a score of all rows together.
type rowCounts struct {
	score  func(c metric.Counts, rows int) float64
	counts []metric.Counts
}

func (o rowCounts) Score(times []int) float64 {
	var all metric.Counts
	rows := 0
	for i, t := range times {
		c := o.counts[i]
		rows += t
		all.Add(metric.Counts{Hits: t * c.Hits, Given: t * c.Given, True: t * c.True})
	}
	return o.score(all, rows)
}

// rowChoices holds the true and the decided class or grade of each row.
type rowChoices struct {
	metric  metric.Metric
	classes int
	rows    []choice
}

// choice is the true and the decided class or grade of a row.
type choice struct{ truth, decided int32 }

func (o rowChoices) Score(times []int) float64 {
	c := metric.NewConfusion(o.classes)
	for i, t := range times {
		c.Add(int(o.rows[i].truth), int(o.rows[i].decided), t)
	}
	return o.metric.Confused(c)
}
