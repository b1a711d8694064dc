package cutorder_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/cutorder"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

func Example() {
	members := []cutorder.Member{
		{Coefficient: 0.7, Views: 1, Cost: 1, Scores: []float64{0.6, 0.61}},
		{Coefficient: 0.3, Views: 2, Cost: 1, Scores: []float64{0.5}},
	}
	table := cutorder.Table{
		Truth:       metric.Rows{Classes: 2, Labels: [][]int{{0}, {1}}},
		Metric:      metric.Metric{Name: metric.FBeta},
		Predictions: [][]float32{{0.2, -0.3, -0.1, 0.3}, {0.5, -0.1, 0.4, -0.2}},
	}
	cuts, whole := cutorder.ByScore(members, table)
	fmt.Printf("%.3f\n", whole)
	for _, c := range cuts {
		fmt.Printf("member %d, fold %d: %d views, %.3f\n", c.Model, c.Fold, c.Views, c.Score)
	}
	// Output:
	// 0.917
	// member 1, fold 0: 1 views, 0.000
	// member 1, fold 0: 0 views, 1.000
	// member 0, fold 0: 0 views, 1.000
}

// random makes members that predict the labels with different noise.
func random(seed uint64, rows, classes int) ([]cutorder.Member, cutorder.Table) {
	r := rand.New(rand.NewPCG(seed, 7))
	t := cutorder.Table{Truth: metric.Rows{Classes: classes}, Metric: metric.Metric{Name: metric.FBeta}}
	truth := make([]float64, rows*classes)
	for i := range rows {
		var labels []int
		for c := range classes {
			if r.Float64() < 0.2 {
				labels = append(labels, c)
				truth[i*classes+c] = 1
			}
		}
		t.Truth.Labels = append(t.Truth.Labels, labels)
	}
	var members []cutorder.Member
	for range 4 {
		m := cutorder.Member{Coefficient: r.Float64(), Views: 1 + r.IntN(4), Cost: 1 + 3*r.Float64()}
		for range 1 + r.IntN(5) {
			m.Scores = append(m.Scores, 0.5+0.1*r.Float64())
		}
		noise := 0.2 + r.Float64()
		p := make([]float32, rows*classes)
		for i := range p {
			p[i] = float32(truth[i] - 0.5 + noise*r.NormFloat64())
		}
		members, t.Predictions = append(members, m), append(t.Predictions, p)
	}
	return members, t
}

// check replays the cuts. Views must go before folds, and all folds but one must go.
// After each cut of a fold it calls after with the number of folds left by member.
func check(t *testing.T, members []cutorder.Member, cuts []ensemble.Cut, after func(c ensemble.Cut, left []int)) {
	t.Helper()
	now, left := map[[2]int]int{}, make([]int, len(members))
	total := 0
	for m := range members {
		for f := range members[m].Scores {
			now[[2]int{m, f}] = members[m].Views
		}
		left[m] = len(members[m].Scores)
		total += left[m]
	}
	dropped := 0
	for i, c := range cuts {
		at := [2]int{c.Model, c.Fold}
		if c.Views >= now[at] {
			t.Fatalf("cut %d: %+v of a fold that has %d views", i, c, now[at])
		}
		now[at] = c.Views
		if c.Views > 0 {
			if dropped > 0 {
				t.Errorf("cut %d: views after folds", i)
			}
			continue
		}
		dropped++
		left[c.Model]--
		after(c, left)
		for f, s := range members[c.Model].Scores {
			if now[[2]int{c.Model, f}] > 0 && s < members[c.Model].Scores[c.Fold] {
				t.Errorf("cut %d drops fold %d before the worse %d", i, c.Fold, f)
			}
		}
	}
	if dropped != total-1 {
		t.Errorf("%d of %d folds dropped, want all but one", dropped, total)
	}
}

func TestEachScoreIsTheScoreOfTheRemainingFolds(t *testing.T) {
	for seed := range uint64(5) {
		members, table := random(seed, 120, 9)
		cuts, whole := cutorder.ByScore(members, table)
		score := func(left []int) float64 {
			y := metric.Rows{Scores: make([]float32, 120*9), Labels: table.Truth.Labels, Classes: 9}
			for i := range y.Scores {
				total := 0.0
				for m, p := range table.Predictions {
					total += members[m].Coefficient * float64(left[m]) / float64(len(members[m].Scores)) * float64(p[i])
				}
				y.Scores[i] = float32(total)
			}
			return y.FBeta(0, 2)
		}
		var all []int
		for _, m := range members {
			all = append(all, len(m.Scores))
		}
		// The order of float32 sums differs, so a sum close to 0 may change its sign.
		if want := score(all); math.Abs(whole-want) > 2e-3 {
			t.Errorf("seed %d: the whole scores %v, want %v", seed, whole, want)
		}
		check(t, members, cuts, func(c ensemble.Cut, left []int) {
			if want := score(left); math.Abs(c.Score-want) > 2e-3 {
				t.Errorf("seed %d: with %v left the score is %v, want %v", seed, left, c.Score, want)
			}
		})
	}
}

// A harmful member goes first, whatever its coefficient. Without predictions the
// smallest coefficient goes first.
func TestScoresDecideBeforeCoefficients(t *testing.T) {
	members, table := random(3, 200, 9)
	for m := range members {
		members[m] = cutorder.Member{Coefficient: 0.2, Views: 1, Cost: 1, Scores: []float64{0.6, 0.6}}
	}
	members[2].Coefficient = 0.4
	for i := range table.Predictions[2] {
		table.Predictions[2][i] = -table.Predictions[0][i]
	}
	cuts, whole := cutorder.ByScore(members, table)
	if cuts[0].Model != 2 || cuts[0].Score <= whole {
		t.Errorf("the first cut is %+v of a score of %v", cuts[0], whole)
	}
	cuts = cutorder.ByCoefficients(members)
	check(t, members, cuts, func(ensemble.Cut, []int) {})
	for i, c := range cuts[:3] {
		if c.Model == 2 {
			t.Errorf("cut %d by coefficients drops the largest coefficient", i)
		}
	}
	if again := cutorder.ByCoefficients(members); fmt.Sprint(again) != fmt.Sprint(cuts) {
		t.Error("the order differs the second time")
	}
}

// Each metric orders the cuts by its own scores, of weighted means of what is left.
func TestCutsAreScoredByTheMetric(t *testing.T) {
	members := []cutorder.Member{
		{Coefficient: 0.5, Views: 1, Cost: 1, Scores: []float64{0.5}},
		{Coefficient: 0.25, Views: 1, Cost: 1, Scores: []float64{0.5}},
		{Coefficient: 0.25, Views: 1, Cost: 1, Scores: []float64{0.5}},
	}
	for _, c := range []struct {
		table cutorder.Table
		whole float64
		first ensemble.Cut
	}{
		{
			cutorder.Table{
				Truth: metric.Rows{Classes: 1, Values: []float32{1, 2}, Task: task.Regression}, Metric: metric.Metric{Name: metric.RMSE},
				Predictions: [][]float32{{1, 2}, {5, 6}, {1, 6}},
			}, math.Sqrt((1.0 + 4) / 2), ensemble.Cut{Model: 1, Score: math.Sqrt(16.0 / 9 / 2)},
		},
		{
			cutorder.Table{
				Truth: metric.Rows{Classes: 3, Labels: [][]int{{0}, {2}}, Task: task.Ordinal}, Metric: metric.Metric{Name: metric.QuadraticKappa},
				Bounds: []float64{0.5, 1.5}, Predictions: [][]float32{{0, 1.9}, {0.2, 2}, {2, 0}},
			}, 0, ensemble.Cut{Model: 2, Score: 1},
		},
		{
			cutorder.Table{
				Truth: metric.Rows{Classes: 1, Labels: [][]int{{0}, {}, {}}}, Metric: metric.Metric{Name: metric.ROCAUC},
				Predictions: [][]float32{{0.9, 0.7, 0.6}, {0.1, 0.9, 0.2}, {0.8, 0.7, 0.1}},
			}, 0.5, ensemble.Cut{Model: 1, Score: 1},
		},
	} {
		cuts, whole := cutorder.ByScore(members, c.table)
		if math.Abs(whole-c.whole) > 1e-6 {
			t.Errorf("%s: the whole scores %v, want %v", c.table.Metric, whole, c.whole)
		}
		if got := cuts[0]; got.Model != c.first.Model || math.Abs(got.Score-c.first.Score) > 1e-6 {
			t.Errorf("%s: the first cut is %+v, want %+v", c.table.Metric, got, c.first)
		}
	}
}
