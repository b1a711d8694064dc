package metric_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// goldenCase is a case of testdata/golden.json, which testdata/golden.py writes.
type goldenCase struct {
	Task      string
	Classes   int
	Threshold float32
	Bounds    []float64
	Scores    []float32
	Labels    [][]int
	Truth     []float32
	Values    []goldenValue
}

// goldenValue is a score of scikit-learn.
type goldenValue struct {
	Metric metric.Metric
	Score  float64
}

func (v *goldenValue) UnmarshalJSON(data []byte) error {
	var params struct {
		Beta   float64 `json:"beta"`
		MinTPR float64 `json:"min_tpr"`
	}
	if err := json.Unmarshal(data, &[]any{&v.Metric.Name, &params, &v.Score}); err != nil {
		return err
	}
	v.Metric.Beta, v.Metric.MinTPR = params.Beta, params.MinTPR
	return nil
}

func TestScoresEqualScikitLearn(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenCase }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	scored := map[string]bool{}
	for i, c := range file.Cases {
		kind, err := task.Parse(c.Task)
		if err != nil {
			t.Fatal(err)
		}
		y := metric.Rows{Scores: c.Scores, Labels: c.Labels, Values: c.Truth, Classes: c.Classes, Task: kind}
		for _, v := range c.Values {
			if err := v.Metric.Check(kind); err != nil {
				t.Errorf("case %d: %v", i, err)
				continue
			}
			scored[v.Metric.Name] = true
			got := v.Metric.Score(y, metric.Decision{Threshold: c.Threshold, Bounds: c.Bounds})
			if math.Abs(got-v.Score) > 1e-12 {
				t.Errorf("case %d, %s: %s is %v, scikit-learn has %v", i, c.Task, fmt.Sprintf("%+v", v.Metric), got, v.Score)
			}
		}
	}
	for _, name := range metric.Names() {
		if !scored[name] {
			t.Errorf("no case of %s", name)
		}
	}
}
