package predictionspec_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

func Example() {
	s := &predictionspec.Spec{
		Task: task.Multiclass, Classes: 2, Metric: modelspec.Metric{Name: "log-loss"},
		Labels: modelspec.Labels{ID: "image", Columns: []string{"label"}}, ClassNames: []string{"cat", "no"},
	}
	text, err := s.Marshal()
	fmt.Printf("%s%v", text, err)
	// Output:
	// threshold: 0
	// task: multiclass
	// num_classes: 2
	// metric:
	//     name: log-loss
	// labels:
	//     id: image
	//     columns:
	//         - label
	// class_names: [cat, "no"]
	// <nil>
}

func TestSpecsSurviveWritingAndReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a_f0_e1_0.5.yml")
	for _, s := range []predictionspec.Spec{
		{Threshold: 0.21875},
		{Threshold: 1e-7, Metric: modelspec.Metric{Name: "f-beta", Params: modelspec.MetricParams{Beta: 0.5}}},
		{Task: task.Ordinal, Classes: 5, ClassNames: []string{"0", "~", "a b", "", "[x]"}},
		{Task: task.Regression, Classes: 1, Labels: modelspec.Labels{Separator: " ", Group: "patient_id", Classes: []string{"a.json"}}},
	} {
		if err := s.Write(path); err != nil {
			t.Fatal(err)
		}
		got, err := predictionspec.Read(path)
		if err != nil || !reflect.DeepEqual(*got, s) {
			t.Errorf("%+v, %v; want %+v", got, err, s)
		}
	}
}

func TestAFileOfOnlyAThresholdIsMultilabel(t *testing.T) {
	s := &predictionspec.Spec{Threshold: 0.25, Classes: 1103}
	text, err := s.Marshal()
	if err != nil || string(text) != "threshold: 0.25\n" {
		t.Errorf("%q, %v", text, err)
	}
	got, err := predictionspec.Parse("m.yml", []byte("threshold: 0.25\nepochs: 7\n"))
	if err != nil || !reflect.DeepEqual(*got, predictionspec.Spec{Threshold: 0.25}) {
		t.Errorf("%+v, %v", got, err)
	}
	if o := got.LabelOptions(); o.Task != task.Multilabel || o.Classes != 0 || o.Columns != nil {
		t.Errorf("options %+v", o)
	}
}

func TestMistakesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "m.yml: the threshold file is empty",
		"a: 1\n":                           "m.yml: the key threshold is missing",
		"threshold: 1.5\n":                 "m.yml:1:12: threshold is 1.5; it must be between 0 and 1",
		"threshold: .nan\n":                `m.yml:1:12: threshold must be a number, not ".nan"`,
		"threshold: x\n":                   "m.yml:1:12: threshold must be a number",
		"threshold: 0\ntask: x\n":          `m.yml:2:7: unknown task "x"; there are multilabel`,
		"threshold: 0\nmetric: {nam: x}\n": `m.yml:2:10: unknown key "nam" in metric`,
		"task: ordinal\nnum_classes: -1\n": "m.yml:2:14: num_classes is -1",
		"task: ordinal\nnum_classes: 99999999999\n":         "m.yml:2:14: num_classes is 99999999999",
		"task: ordinal\nnum_classes: 2\nclass_names: [a]\n": "m.yml:3:14: class_names has 1 names, but num_classes is 2",
	} {
		if _, err := predictionspec.Parse("m.yml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := predictionspec.ParseThreshold("2"); err == nil {
		t.Error("2 is a threshold")
	}
	if got, err := predictionspec.Beside("a/level1_train_m_f0_e1_0.5.npy"); err != nil || got != filepath.Join("a", "m_f0_e1_0.5.yml") {
		t.Errorf("got %s, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("threshold: 0.5\n")
	f.Add("task: ordinal\nnum_classes: 2\nclass_names: [a, b]\nlabels: {columns: a}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := predictionspec.Parse("m.yml", []byte(text))
		if err == nil && !(s.Threshold >= 0 && s.Threshold <= 1 && s.Task.Known()) {
			t.Fatalf("%+v", s)
		}
	})
}
