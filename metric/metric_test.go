package metric_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"pgregory.net/rapid"
)

func Example() {
	y := metric.Rows{
		Scores:  []float32{0.9, 0.6, 0.1, 0.2, 0.5, 0.4},
		Labels:  [][]int{{0}, {1}},
		Classes: 3,
	}
	threshold, score := y.BestThreshold(2)
	fmt.Printf("%.4f at 0.5, %.4f at %.2f\n", y.FBeta(0.5, 2), score, threshold)
	// Output: 0.4167 at 0.5, 0.9167 at 0.45
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// These are the cases of the doc comments.
func TestTheCasesWorkedByHand(t *testing.T) {
	near(t, "counts", metric.Counts{Hits: 1, Given: 2, True: 3}.FBeta(2), 5.0/14)
	near(t, "all right", metric.Counts{Hits: 3, Given: 3, True: 3}.FBeta(2), 1)
	near(t, "F1", metric.Counts{Hits: 1, Given: 2, True: 1}.FBeta(1), 2.0/3)
	near(t, "nothing true, nothing given", metric.Counts{}.FBeta(2), 0)
	near(t, "nothing true, one given", metric.Counts{Given: 1}.FBeta(2), 0)
	y := metric.Rows{Scores: []float32{0.9, 0.6, 0.1, 0.2, 0.5, 0.4}, Labels: [][]int{{0}, {1}}, Classes: 3}
	near(t, "mean", y.FBeta(0.5, 2), 5.0/12)
	near(t, "micro", y.MicroFBeta(0.5, 2), 0.5)
	near(t, "log loss", metric.Rows{Scores: []float32{0.5, 0.25}, Labels: [][]int{{0}}, Classes: 2}.LogLoss(), -(math.Log(0.5)+math.Log(0.75))/2)
	near(t, "clipped", metric.Rows{Scores: []float32{0}, Labels: [][]int{{0}}, Classes: 1}.LogLoss(), -math.Log(metric.Clip))
	a := metric.Rows{Scores: []float32{0.1, 0.7, 0.7, 0.3, 0.2, 0.1}, Labels: [][]int{{1, 2}, {1}}, Classes: 3}
	near(t, "accuracy", a.Accuracy(), 0.5)
	nan := float32(math.NaN())
	near(t, "accuracy with NaN", metric.Rows{Scores: []float32{nan, 0.1}, Labels: [][]int{{1}}, Classes: 2}.Accuracy(), 1)
	var none metric.Rows
	for _, v := range []float64{none.FBeta(0, 2), none.MicroFBeta(0, 2), none.LogLoss(), none.Accuracy()} {
		near(t, "no rows", v, 0)
	}
}

func TestFBetaMatchesTheReference(t *testing.T) {
	data, err := os.ReadFile(golden.Shared(t, "golden/train/f2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Predict, Labels [][]float32
		F2              map[string]float64
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	y := metric.Rows{Classes: len(file.Predict[0])}
	for i, row := range file.Predict {
		y.Scores = append(y.Scores, row...)
		var labels []int
		for c, v := range file.Labels[i] {
			if v > 0 {
				labels = append(labels, c)
			}
		}
		y.Labels = append(y.Labels, labels)
	}
	if len(file.F2) == 0 {
		t.Fatal("no values")
	}
	for text, want := range file.F2 {
		threshold, err := strconv.ParseFloat(text, 32)
		if err != nil {
			t.Fatal(err)
		}
		// The reference added up in float32.
		if got := y.FBeta(float32(threshold), 2); math.Abs(got-want) > 1e-7 {
			t.Errorf("at %s: got %v, want %v", text, got, want)
		}
	}
}

func TestNoThresholdBeatsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, classes := rapid.IntRange(0, 6).Draw(t, "rows"), rapid.IntRange(1, 5).Draw(t, "classes")
		y := metric.Rows{Classes: classes}
		values := rapid.Float32Range(-1, 1)
		if rapid.Bool().Draw(t, "ties") {
			values = rapid.SampledFrom([]float32{-0.5, float32(math.Copysign(0, -1)), 0, 0.25, 0.5, float32(math.NaN())})
		}
		for range rows {
			var labels []int
			for c := range classes {
				y.Scores = append(y.Scores, values.Draw(t, "score"))
				if rapid.Bool().Draw(t, "true") {
					labels = append(labels, c)
				}
			}
			y.Labels = append(y.Labels, labels)
		}
		beta := rapid.SampledFrom([]float64{0.5, 1, 2}).Draw(t, "beta")
		threshold, best := y.BestThreshold(beta)
		if got := y.FBeta(threshold, beta); got != best {
			t.Fatalf("%v at the threshold %v, said to be %v", got, threshold, best)
		}
		for _, s := range append([]float32{-2, 2}, y.Scores...) {
			for _, at := range []float32{s, math.Nextafter32(s, -3), math.Nextafter32(s, 3)} {
				if got := y.FBeta(at, beta); got > best+1e-12 {
					t.Fatalf("%v at %v, but %v at %v, said to be best", got, at, best, threshold)
				}
			}
		}
	})
}
