package metric_test

import (
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"pgregory.net/rapid"
)

func TestBestConstantMatchesTheCaseByHand(t *testing.T) {
	given, score := metric.BestConstant([][]int{{0, 1}, {0}}, 3, 2)
	if !slices.Equal(given, []int{0, 1}) {
		t.Errorf("given are %v", given)
	}
	near(t, "score", score, 11.0/12)
	_, none := metric.BestConstant(nil, 3, 2)
	near(t, "no rows", none, 0)
}

func TestBestConstantHasTheScoreItReports(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const classes = 5
		var labels [][]int
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			var row []int
			for c := range classes {
				if rapid.Bool().Draw(t, "true") {
					row = append(row, c)
				}
			}
			labels = append(labels, row)
		}
		given, score := metric.BestConstant(labels, classes, 2)
		score2 := func(given []int) float64 {
			y := metric.Rows{Labels: labels, Classes: classes, Scores: make([]float32, classes*len(labels))}
			for i := range labels {
				for _, c := range given {
					y.Scores[i*classes+c] = 1
				}
			}
			return y.FBeta(0.5, 2)
		}
		if got := score2(given); got < score-1e-12 || got > score+1e-12 {
			t.Fatalf("%v has the score %v, said to be %v", given, got, score)
		}
		for c := range classes {
			if other := score2([]int{c}); other > score+1e-12 {
				t.Fatalf("%v has %v, but %d alone %v", given, score, c, other)
			}
		}
	})
}
