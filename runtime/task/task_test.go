package task_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

func ExampleTask_Add() {
	for _, name := range task.Names() {
		t, _ := task.Parse(name)
		values := make([]float64, t.Values(3))
		t.Add(values, []float32{0, 1, 2}[:t.Logits(3)])
		fmt.Printf("%s %.3f\n", t, values)
	}
	// Output:
	// multilabel [0.500 0.731 0.881]
	// multiclass [0.090 0.245 0.665]
	// regression [0.000 1.000 2.000]
	// ordinal [1.231]
}

func TestViewsAddUp(t *testing.T) {
	for _, name := range task.Names() {
		kind, err := task.Parse(name)
		if err != nil || kind.String() != name || !kind.Known() {
			t.Fatalf("%s: %v, %v", name, kind, err)
		}
		logits := []float32{0.5, -2, 3, 1}[:kind.Logits(4)]
		once, twice := make([]float64, kind.Values(4)), make([]float64, kind.Values(4))
		kind.Add(once, logits)
		kind.Add(twice, logits)
		kind.Add(twice, logits)
		for c := range once {
			if math.Abs(twice[c]-2*once[c]) > 1e-12 {
				t.Errorf("%s: %v after two views, %v after one", name, twice, once)
			}
		}
	}
}

func TestLargeLogitsGiveProbabilities(t *testing.T) {
	sum := make([]float64, 3)
	task.Multiclass.Add(sum, []float32{1e30, -1e30, 1e30})
	if sum[0] != 0.5 || sum[1] != 0 || sum[2] != 0.5 {
		t.Errorf("softmax is %v", sum)
	}
	if s := task.Sigmoid(-1e30); s != 0 {
		t.Errorf("the sigmoid of a very low logit is %v", s)
	}
	task.Multiclass.Add(sum, []float32{0, float32(math.NaN()), 0})
	if !math.IsNaN(sum[0]) {
		t.Error("NaN is lost")
	}
}

func TestUnknownTasksAreRefused(t *testing.T) {
	if _, err := task.Parse("multi-class"); err == nil || err.Error() != `unknown task "multi-class"; there are multilabel, multiclass, regression, ordinal` {
		t.Errorf("got %v", err)
	}
	if task.Task(9).Known() || task.Task(9).String() != "task 9" {
		t.Error("9 is a task")
	}
}
