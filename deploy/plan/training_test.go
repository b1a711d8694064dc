package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
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
		{"another table", "id,a,b\nx,0,1\n", nil, input.UnknownLabels, "", "train.csv:1: 2 columns of 0 and 1 (a, b), but model.num_classes is 10"},
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
			if !slices.Equal(p.Fallback, c.want) || p.Training != c.training || p.Column != c.column || (len(p.Prior) == 10) != (c.want != nil) {
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

// Names come from --classes, from <model>.yml, from the weights or from the training table.
func TestThePlanHasTheNamesOfTheClasses(t *testing.T) {
	table := "id,tags\n"
	var names []string
	for c := range 10 {
		names = append(names, string(rune('a'+c)))
		table += fmt.Sprintf("x%d,%s\n", c, names[c])
	}
	list, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(f demodata.Files, o *plan.Options)
		want   []string
	}{
		{"none", func(demodata.Files, *plan.Options) {}, nil},
		{"the training table", func(f demodata.Files, _ *plan.Options) { put(t, filepath.Join(f.Weights, "train.csv"), table) }, names},
		{"a file beside the weights", func(f demodata.Files, _ *plan.Options) {
			put(t, filepath.Join(f.Weights, f.Models[0]+".yml"), "threshold: 0.3\nclass_names: "+string(list)+"\n")
		}, names},
		{"the weights", func(f demodata.Files, _ *plan.Options) {
			rewrite(t, f, f.Models[1], func(d *weights.StateDict) { d.Metadata["class_names"] = string(list) })
		}, names},
		{"the user", func(f demodata.Files, o *plan.Options) {
			o.Classes = slices.Clone(names)
			slices.Reverse(o.Classes)
			put(t, filepath.Join(f.Weights, "train.csv"), table)
		}, []string{"j", "i", "h", "g", "f", "e", "d", "c", "b", "a"}},
	} {
		f := write(t)
		var o plan.Options
		c.change(f, &o)
		if built, err := build(f, o); err != nil || !slices.Equal(built.Plan.ClassNames, c.want) {
			t.Errorf("%s: %v", c.name, err)
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
