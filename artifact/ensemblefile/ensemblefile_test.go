package ensemblefile_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

func Example() {
	e, err := ensemblefile.Read("best.yml", []byte(`
- predicts:
  - level1_train_2b_se_resnext50_f0_e14_0.5975.npy
  weight: 0.25
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := e.Members[0].Names()
	fmt.Println(names[0].Config, names[0].Fold, names[0].Epoch, names[0].Score, err)
	// Output: 2b_se_resnext50 0 14 0.5975 <nil>
}

func TestTheMetricAndTheBoundsRoundTrip(t *testing.T) {
	const text = "- predicts:\n  - level1_train_a_f0_e1_0.5.npy\n  weight: 1\n"
	for _, c := range []struct {
		ensemble ensemblefile.Ensemble
		want     string
	}{
		{ensemblefile.Ensemble{}, ""},
		{ensemblefile.Ensemble{Metric: metric.Metric{Name: metric.Accuracy}}, "- metric: accuracy\n"},
		{ensemblefile.Ensemble{Metric: metric.Metric{Name: metric.MacroFBeta, Beta: 1}}, "- metric: macro-f-beta\n  beta: 1\n"},
		{ensemblefile.Ensemble{Metric: metric.Metric{Name: metric.PartialAUC, MinTPR: 0.9}}, "- metric: partial-auc\n  min-tpr: 0.9\n"},
		{
			ensemblefile.Ensemble{Metric: metric.Metric{Name: metric.QuadraticKappa}, GradeBounds: []float64{0.5, 1.25, 1.25}},
			"- grade-bounds: [0.5, 1.25, 1.25]\n- metric: quadratic-kappa\n",
		},
	} {
		e, err := ensemblefile.Read("e.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		e.Metric, e.GradeBounds = c.ensemble.Metric, c.ensemble.GradeBounds
		var b bytes.Buffer
		if err := ensemblefile.Write(&b, e); err != nil || b.String() != text+c.want {
			t.Errorf("%s: %v\n%s", e.Metric, err, b.String())
		}
		back, err := ensemblefile.Read("e.yml", b.Bytes())
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s: %v, %+v", e.Metric, err, back)
		}
	}
}

func TestARealFileRoundTrips(t *testing.T) {
	data, err := os.ReadFile(golden.Shared(t, "data/imet/best_ensemble_val_0.6397_lb_651.yml"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ensemblefile.Read("best.yml", data)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Members) != 7 || len(e.Members[6].Predicts) != 5 {
		t.Errorf("%d models", len(e.Members))
	}
	var b bytes.Buffer
	if err := ensemblefile.Write(&b, e); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(b.String()), strings.TrimSpace(string(data)); got != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
}

func TestAnOffsetRoundTrips(t *testing.T) {
	const text = "- predicts:\n  - level1_train_a_f0_e1_0.5.npy\n  weight: 1\n  offset: -0.0125\n"
	e, err := ensemblefile.Read("e.yml", []byte(text))
	if err != nil || e.Members[0].Offset != -0.0125 {
		t.Fatalf("%+v, %v", e, err)
	}
	var b bytes.Buffer
	if err := ensemblefile.Write(&b, e); err != nil || b.String() != text {
		t.Errorf("wrote %s (%v)", b.String(), err)
	}
}

func TestClassOffsetsRoundTrip(t *testing.T) {
	const text = "- predicts:\n  - level1_train_a_f0_e1_0.5.npy\n  weight: 1\n- class-offsets:\n    2: 0.0125\n    11: -0.5\n"
	e, err := ensemblefile.Read("e.yml", []byte(text))
	if err != nil || len(e.Members) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	if got, err := e.Offsets(12); err != nil || !slices.Equal(got, []float64{2: 0.0125, 11: -0.5}) {
		t.Errorf("offsets %v, %v", got, err)
	}
	if _, err := e.Offsets(11); err == nil || err.Error() != "class-offsets: class 11, but there are 11 (0 to 10)" {
		t.Errorf("error %v", err)
	}
	var b bytes.Buffer
	if err := ensemblefile.Write(&b, e); err != nil || b.String() != text {
		t.Errorf("wrote %s (%v)", b.String(), err)
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	const ok = "- predicts: [level1_train_a_f0_e1_0.5.npy]\n  weight: 1\n"
	for text, want := range map[string]string{
		"":                          "e.yml: the file is empty",
		"a: b":                      "e.yml:1:1: an ensemble is a list of models",
		"[]":                        "e.yml:1:1: an ensemble is a list of models",
		"- 3":                       "e.yml:1:3: a model must have the keys",
		"- weight: 1":               `e.yml:1:3: the key "predicts" is missing`,
		ok + "- metric: acuracy":    `e.yml:3:11: metric: unknown metric "acuracy"; there are f-beta, micro-f-beta, macro-f-beta, accuracy, log-loss, `,
		ok + "- metric: [accuracy]": `e.yml:3:11: metric: unknown metric`,
		ok + "- metric: accuracy\n- metric: f-beta":     "e.yml:4:3: metric: this key appears twice",
		ok + "- metric: roc-auc\n  beta: 1":             "e.yml:4:9: the metric roc-auc has no beta",
		ok + "- metric: f-beta\n  beta: 0":              "e.yml:4:9: beta: 0 is not allowed",
		ok + "- metric: f-beta\n  beta: 1\n  beta: 2":   `e.yml:5:3: the key "beta" appears twice`,
		ok + "- metric: f-beta\n  gamma: 1":             `e.yml:4:3: unknown key "gamma" (a metric may have beta or min-tpr)`,
		ok + "- metric: partial-auc\n  min-tpr: 1.5":    "e.yml:4:12: min-tpr 1.5: a number between 0 and 1 is needed",
		ok + "- grade-bounds: 0.5":                      "e.yml:3:17: grade-bounds: the value must be a list of 1 to 999 numbers",
		ok + "- grade-bounds: [1, 0.5]":                 "e.yml:3:21: grade-bounds: 0.5 is below the bound before it",
		ok + "- grade-bounds: [.nan]":                   `e.yml:3:18: grade-bounds: ".nan" is not a finite number`,
		ok + "- grade-bounds: [1]\n- grade-bounds: [2]": "e.yml:4:3: grade-bounds: this key appears twice",
		ok + "- wieght: 1":                              `e.yml:3:3: unknown key "wieght"`,
		"- weight: x":                                   `e.yml:1:11: weight: "x" is not a finite number`,
		"- offset: x":                                   `e.yml:1:11: offset: "x" is not a finite number`,
		"- weight: .nan":                                "e.yml:1:11: weight",
		"- predicts: x.npy":                             "e.yml:1:13: predicts: the value must be a list",
		"- predicts: [x.npy]":                           `e.yml:1:14: "x.npy" is not named`,
		ok + ok:                                         "e.yml:3:14: level1_train_a_f0_e1_0.5.npy is already in another model",
		"- weight: 1\n  weight: 2":                      `e.yml:2:3: the key "weight" appears twice`,
		"model: {a: 1}":                                 "e.yml: this is the config of a training; an ensemble is a list of models",
		"threshold: 1":                                  "e.yml: this is the threshold file of a model",
		"id,labels\na,1\n":                              "e.yml: this is a table (CSV); an ensemble is a YAML file",
		"- predicts: [level1_train_a_f0_e1_0.5.npy, level1_train_a_f0_e2_0.5.npy]": "e.yml:1:44: fold 0 of a appears twice",
		"- predicts: [level1_train_a_f0_e1_0.5.npy, level1_train_b_f1_e2_0.5.npy]": "belongs to b, the names above to a",
		"- predicts: [":                                     "e.yml: this is no YAML: line 1: did not find expected node content",
		"- class-offsets: {1: 0.1}":                         "e.yml:1:1: the ensemble has no model",
		ok + "- class-offsets: 0.1":                         "e.yml:3:18: class-offsets: the value must be a list of class: offset",
		ok + "- class-offsets: {-1: 0.1}":                   `e.yml:3:19: class-offsets: "-1" is not the number of a class`,
		ok + "- class-offsets: {1: 0.1, 01: 0}":             "e.yml:3:27: class-offsets: class 1 appears twice",
		ok + "- class-offsets: {1: .inf}":                   `e.yml:3:22: class-offsets: ".inf" is not a finite number`,
		ok + "- class-offsets: {1: 0}\n  weight: 1":         `e.yml:3:3: unknown key "class-offsets"`,
		ok + strings.Repeat("- class-offsets: {1: 0}\n", 2): "e.yml:4:3: class-offsets: this key appears twice",
	} {
		_, err := ensemblefile.Read("e.yml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestParseName(t *testing.T) {
	for _, file := range []string{
		"level1_train_4b_se_resnext101_352x352_f1_e29_0.6079.npy", "level1_test_4b_se_resnext101_352x352_f1_e29_0.6079.npy",
		"models/4b_se_resnext101_352x352_f1_e29_0.6079.safetensors.enc", "4b_se_resnext101_352x352_f1_e29_0.6079",
	} {
		n, err := ensemblefile.ParseName(file)
		if err != nil || n.Config != "4b_se_resnext101_352x352" || n.Fold != 1 || n.Epoch != 29 || n.Score != "0.6079" || n.Model() != "4b_se_resnext101_352x352_f1_e29_0.6079" {
			t.Errorf("%s: %+v %v", file, n, err)
		}
	}
	for _, file := range []string{"", "a.npy", "a_f_e1_0.5", "a b_f0_e1_0.5", "../_f0_e1_0.5", "a_f0_e1_"} {
		if n, err := ensemblefile.ParseName(file); err == nil {
			t.Errorf("%q was taken for %+v", file, n)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("- predicts: [level1_train_a_f0_e1_0.5.npy]\n  weight: 1\n"))
	f.Add([]byte("- predicts: [level1_train_a_f0_e1_0.5.npy]\n  weight: 1\n- class-offsets: {3: 0.1, 0: -1e-9}\n"))
	f.Add([]byte("- predicts: [level1_train_a_f0_e1_0.5.npy]\n  weight: 1\n- grade-bounds: [0.5, 1]\n- {metric: partial-auc, min-tpr: 0.9}\n"))
	f.Add([]byte("- &a {predicts: *a}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ensemblefile.Read("e.yml", data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := ensemblefile.Write(&b, e); err != nil {
			t.Fatal(err)
		}
	})
}
