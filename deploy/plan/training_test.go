package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func TestTheTrainingTableSetsTheDefaultLabels(t *testing.T) {
	for _, c := range []struct {
		name, table string
		want        []int
		training    input.Labeling
		column      string
		warning     string
	}{
		{"two labels that are nearly everywhere", "id,tags\na,3 7\nb,3\nc,3 7\n", []int{3, 7}, input.SeveralLabels, "tags", ""},
		{"one label in each row", "id,class\na,3\nb,3\nc,9\n", []int{3, 9}, input.OneLabel, "class", ""},
		{"no table", "", nil, input.UnknownLabels, "", ""},
		{"a class too many", "id,tags\na,10\n", nil, input.UnknownLabels, "", "train.csv:2: class 10, but there are 10"},
		{"another table", "id,a,b\nx,0,1\n", nil, input.UnknownLabels, "", "train.csv:1: a row must have two fields"},
	} {
		f := write(t)
		data := t.TempDir()
		for _, folder := range []string{f.Weights, data} { // beside the weights, or where --data says
			var warnings []string
			o := plan.Options{Data: data, Warn: func(s string) { warnings = append(warnings, s) }}
			if c.table != "" {
				put(t, filepath.Join(folder, "train.csv"), c.table)
			}
			built, err := build(f, o)
			if err != nil {
				t.Fatal(err)
			}
			p := built.Plan
			if !slices.Equal(p.Fallback, c.want) || p.Training != c.training || p.Column != c.column {
				t.Errorf("%s in %s: %v, %v, %q", c.name, folder, p.Fallback, p.Training, p.Column)
			}
			if text := strings.Join(warnings, "\n"); (text == "") != (c.warning == "") || !strings.Contains(text, c.warning) {
				t.Errorf("%s in %s: warnings %q", c.name, folder, text)
			}
			if c.table != "" {
				if err := os.Remove(filepath.Join(folder, "train.csv")); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// The metric decides with the sample which submissions fit.
func TestThePlanRecordsTheMetric(t *testing.T) {
	for metric, want := range map[string]string{"accuracy": "accuracy", "log-loss": "log-loss", "f-beta": ""} {
		f := write(t)
		text, err := os.ReadFile(f.Ensemble)
		if err != nil {
			t.Fatal(err)
		}
		if want != "" {
			put(t, f.Ensemble, string(text)+"- metric: "+metric+"\n")
		}
		if built, err := build(f, plan.Options{Submission: input.Labels}); err != nil || built.Plan.Submission != input.Labels || built.Plan.Metric != want {
			t.Errorf("%s: %v", metric, err)
		}
	}
}

func TestClassNamesAreThoseOfTheUser(t *testing.T) {
	f := write(t)
	path := filepath.Join(t.TempDir(), "classes.json")
	put(t, path, `{"b": 1, "a": 0}`)
	for text, want := range map[string][]string{"": nil, "a, b": {"a", "b"}, path: {"a", "b"}} {
		if got, err := plan.ParseClasses(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"a,,b", "a,b,a", "no.json"} {
		if got, err := plan.ParseClasses(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
	if _, err := build(f, plan.Options{Classes: []string{"a", "b"}}); err == nil || !strings.Contains(err.Error(), "--classes: 2 class names, but the ensemble has 10 classes") {
		t.Errorf("got %v", err)
	}
}

func TestThresholdsInTheWeightsCauseAWarning(t *testing.T) {
	f := write(t)
	for i, want := range []string{
		"", "no threshold file for 1 member: using the threshold stored in the weights",
		"no threshold file for 2 members: using the threshold stored in the weights",
	} {
		if i > 0 {
			if err := os.Remove(filepath.Join(f.Weights, f.Models[2*(i-1)]+".yml")); err != nil {
				t.Fatal(err)
			}
		}
		var warnings []string
		if _, err := build(f, plan.Options{Warn: func(s string) { warnings = append(warnings, s) }}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(warnings, "\n"); got != want {
			t.Errorf("warnings %q, want %q", got, want)
		}
	}
}
