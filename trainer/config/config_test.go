package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/google/go-cmp/cmp"
)

const minimal = "model: {arch: cifar_resnet20, num_classes: 10}\n"

func TestRealConfigsLoadWithTheirValues(t *testing.T) {
	c, warnings, err := config.ReadFile("testdata/2b_se_resnext50.yml")
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	want := modelspec.Model{Arch: "seresnext50_32x4d", InputSize: 288, NumClasses: 1103, NumFolds: 5, Dropout: 0.5}
	if diff := cmp.Diff(want, c.Model); diff != "" {
		t.Error(diff)
	}
	plateau := config.SchedulerParams{Factor: 0.2, Patience: 2, MinLR: 3e-7, Threshold: 1e-3}
	if diff := cmp.Diff(plateau, c.Scheduler.Params); diff != "" {
		t.Error(diff)
	}
	if c.Test.NumTTAs != 2 || c.Optimizer.Params.LR != 1e-4 || !c.Augmentations.HFlip || c.Augmentations.Affine != "medium" {
		t.Errorf("%+v", c)
	}

	c, _, err = config.ReadFile("testdata/v5.1.9.resized_crop_c__step_lr.yml")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Scheduler.Params.Milestones; !reflect.DeepEqual(got, []int{10, 15, 20, 25}) {
		t.Errorf("a quoted list reads as %v", got)
	}
	c, warnings, err = config.ReadFile("testdata/v5.3.5.seresnext50_sgd_cyclic_0.1_swa.yml")
	if err != nil {
		t.Fatal(err)
	}
	if !c.Train.SWA.Enable || c.Train.SWA.Period != 3 {
		t.Errorf("swa is %+v", c.Train.SWA)
	}
	for _, w := range warnings {
		if !strings.HasPrefix(w.Key, "scheduler.params.") || w.Line == 0 {
			t.Errorf("unexpected warning: %v", w)
		}
	}
	if len(warnings) == 0 {
		t.Error("no warning about the mode of cyclic_lr")
	}
}

// The competition has 139 configs that train on images, and 3 of the second level.
func TestEveryConfigOfTheCompetitionLoads(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(golden.Shared(t, "data/imet/config"), "*.yml"))
	if err != nil || len(files) != 142 {
		t.Fatalf("%d configs (%v)", len(files), err)
	}
	loaded := 0
	for _, f := range files {
		c, _, err := config.ReadFile(f)
		if strings.HasPrefix(filepath.Base(f), "level2_") {
			if err == nil || !strings.Contains(err.Error(), "second-level") {
				t.Errorf("%s: %v", f, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		loaded++
		roundTrip(t, c)
	}
	if loaded != 139 {
		t.Errorf("%d configs load, want 139", loaded)
	}
}

func TestSecondLevelConfigsAreRefused(t *testing.T) {
	_, _, err := config.ReadFile("testdata/level2_v1.0.2-f2_loss.yml")
	if err == nil || !strings.Contains(err.Error(), ".yml:11:9: this is the config of a second-level model") {
		t.Error(err)
	}
}

func roundTrip(t *testing.T, c *config.Config) {
	t.Helper()
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, warnings, err := config.Parse("resolved.yml", text)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v %v in\n%s", err, warnings, text)
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("marshalling changes the config:\n%s", diff)
	}
}

func TestMistakesAreReportedAtTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"key", minimal + "train:\n  batch_sise: 3\n", `c.yml:3:3: unknown key "batch_sise" in train (did you mean "batch_size"?); there are csv, batch_size,`},
		{"section", minimal + "optimiser: {name: adam}\n", `c.yml:2:1: unknown key "optimiser" (did you mean "optimizer"?)`},
		{"nothing near", minimal + "zebra: 1\n", `c.yml:2:1: unknown key "zebra"; there are model, metric, labels, data`},
		{"twice", minimal + "train: {csv: a, csv: b}\n", `c.yml:2:17: key "train.csv" is there twice`},
		{"number", minimal + "train: {batch_size: many}\n", `c.yml:2:21: train.batch_size must be a whole number, not "many"`},
		{"fraction", minimal + "train: {batch_size: 1.5}\n", `train.batch_size must be a whole number, not "1.5"`},
		{"bool", minimal + "augmentations: {hflip: 0.5}\n", `augmentations.hflip must be true or false, not "0.5"`},
		{"list", minimal + "scheduler: {name: multi_step, params: {milestones: 3}}\n", `scheduler.params.milestones must be a list, not "3"`},
		{"section is a list", "model: [1]\n", "c.yml:1:8: model must be a section of keys, not a list"},
		{"value is a section", "model: {arch: {x: 1}}\n", "model.arch must be a text, not a section"},
		{"optimizer", minimal + "optimizer: {name: adamm}\n", `unknown optimizer "adamm" (did you mean "adam"?); there are adam, adamw, sgd`},
		{"parameter of another", minimal + "optimizer: {name: adam, params: {momentum: 0.9}}\n", `c.yml:2:34: adam takes no "momentum"; it takes lr`},
		{"parameter of none", minimal + "loss: {name: f2_loss, params: {weight: 1}}\n", "f2_loss takes no parameter"},
		{"range", minimal + "train: {accum_batches_num: 0}\n", "c.yml:2:28: train.accum_batches_num is 0; it must be between 1 and 65536"},
		{"nan", minimal + "optimizer: {params: {lr: .nan}}\n", `optimizer.params.lr must be a number`},
		{"quoted nan", minimal + "optimizer: {params: {lr: 'NaN'}}\n", "optimizer.params.lr is not a number; it must be between 0 and 1000000"},
		{"order", minimal + "data: {rect_crop: {min_ratio: 0.9, max_ratio: 0.5}}\n", "data.rect_crop.min_ratio (0.9) is above max_ratio (0.5)"},
		{"arch", "model: {num_classes: 2}\n", "c.yml:1:8: model.arch is missing"},
		{"no model", "train: {}\n", "model.arch is missing"},
		{"affine", minimal + "augmentations: {affine: meduim}\n", `unknown strength "meduim" in augmentations.affine (did you mean "medium"?)`},
		{"schedule without its list", minimal + "scheduler: {name: multi_step}\n", "needs scheduler.params.milestones"},
		{"combine", minimal + "test: {tta_combine_func: median}\n", `unknown function "median"`},
		{"empty", "", "c.yml: the config is empty"},
		{"documents", minimal + "---\n" + minimal, "more than one YAML document"},
		{"infinity", minimal + "optimizer: {params: {lr: 'inf'}}\n", "optimizer.params.lr is infinity; it must be between 0 and 1000000"},
		{"betas", minimal + "optimizer: {params: {betas: [0.9, 1]}}\n", "two numbers at least 0 and below 1 are needed, not 0.9, 1"},
		{"milestones", minimal + "scheduler: {name: multi_step, params: {milestones: [3, 2]}}\n", "must ascend, not 3, 2"},
		{"no classes", "model: {arch: resnet18}\n", "c.yml:1:8: model.num_classes is missing"},
		{"classes of zero", "model: {arch: resnet18, num_classes: 0}\n", "c.yml:1:38: model.num_classes is 0; it must be between 1 and 1048576"},
		{"syntax", "model: [", "c.yml:1: this is no YAML: did not find expected node content"},
		{"tab", "model:\n\tarch: resnet18\n", "c.yml:2: the line begins with a tab; YAML wants spaces"},
		{"table", "id,attribute_ids\na,1 2\n", "c.yml: this is a table (CSV); a config is a YAML file"},
		{"ensemble", "- predicts: [level1_train_a_f0_e1_0.5.npy]\n  weight: 1\n", "c.yml: this is an ensemble file, not the config of a training"},
		{"threshold", "threshold: 0.4\n", "c.yml: this is the threshold file of a model, not a config"},
		{"list", "- 1\n", "c.yml: this is a list, not a config: a config has the sections model, metric, labels, data, train"},
		{"text", "a secret line\n", "c.yml: this is no config: a config has the sections model, metric, labels, data, train"},
		{"long key", strings.Repeat("k", 1000) + ": 1\n", `unknown key "` + strings.Repeat("k", 39) + `…"`},
		{"long value", minimal + "train: {batch_size: " + strings.Repeat("k", 1000) + "}\n", `not "` + strings.Repeat("k", 39) + `…"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := config.Parse("c.yml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestIgnoredKeysCauseWarnings(t *testing.T) {
	_, warnings, err := config.Parse("c.yml", []byte(minimal+"augmentations:\n  dropout: 0.3\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0].String(), "c.yml:3:3: augmentations.dropout is ignored: ") {
		t.Error(warnings)
	}
}

func TestSetChangesOneValueOrNone(t *testing.T) {
	c, _, err := config.Parse("c.yml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"train.batch_size=8", "optimizer.params.lr = 1e-3", "scheduler={name: step, params: {step_size: 3}}", "optimizer.name=sgd",
		"augmentations.erase.prob=0.25", "train.folds_file=", "loss.name=forgiving_loss", "loss.params.weight=0",
	} {
		if err := c.Set(s); err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
	}
	if c.Train.BatchSize != 8 || c.Optimizer.Params.LR != 1e-3 || c.Scheduler.Params.StepSize != 3 || c.Scheduler.Params.Gamma != 0.1 ||
		c.Augmentations.Erase.Prob != 0.25 || c.Train.FoldsFile != "" || c.Loss.Params.Weight != 0 {
		t.Errorf("%+v", c)
	}
	before := *c
	for bad, want := range map[string]string{
		"train.batchsize=8":      `unknown key "batchsize" in train (did you mean "batch_size"?)`,
		"train.batch_size.x=8":   "train.batch_size is a value",
		"train.batch_size=0":     "--set train.batch_size=0: train.batch_size is 0",
		"train.batch_size":       "the form is key=value",
		"scheduler.name=step_up": `unknown schedule "step_up"`,
	} {
		if err := c.Set(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", bad, err, want)
		}
	}
	if diff := cmp.Diff(before, *c); diff != "" {
		t.Errorf("a refused change changed the config:\n%s", diff)
	}
}

func FuzzParseNeverPanics(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yml")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _, err := config.Parse("f.yml", b)
		if err == nil {
			roundTrip(t, c)
		}
	})
}

func TestUnreadListsKeysThatNothingReads(t *testing.T) {
	const base = "model: {arch: resnet18, num_classes: 2}\n"
	for text, want := range map[string]string{
		"cosine: {period: 9}":                                                                                         "cosine: only scheduler.name cosine reads it",
		"cosine: {period: 9}\nscheduler: {name: cosine}":                                                              "",
		"train: {warmup: {steps: 3}}":                                                                                 "train.warmup: train.enable_warmup is not set",
		"train: {enable_warmup: true, warmup: {steps: 3}}":                                                            "",
		"optimizer: {params: {lr: 1}}\nscheduler: {name: cyclic_lr, params: {max_lr: 1}}":                             "optimizer.params.lr: the schedule cyclic_lr has rates of its own",
		"data: {rect_crop: {min_ratio: 0.3}}":                                                                         "data.rect_crop: neither data.rect_crop.enable nor augmentations.rect_crop is set",
		"data: {rect_crop: {min_ratio: 0.3}}\naugmentations: {rect_crop: 0.5}":                                        "",
		"train: {mixup: {enable: false, beta_a: 0.3}, swa: {enable: true, period: 3}, lr_finder: {final_value: 0.1}}": "train.mixup.beta_a: train.mixup.enable is not set",
	} {
		c, _, err := config.Parse("c.yml", []byte(base+text))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.Unread(), "; "); got != want {
			t.Errorf("%s: listed %q, want %q", text, got, want)
		}
	}
}

func TestAssignmentsMayGiveKeysThatTheFileLacks(t *testing.T) {
	text := []byte("model: {arch: resnet18}\n")
	c, _, err := config.Parse("c.yml", text, "train.batch_size=8", "model.num_classes=699")
	if err != nil || c.Model.NumClasses != 699 || c.Train.BatchSize != 8 {
		t.Errorf("%+v, %v", c, err)
	}
	for assignment, want := range map[string]string{
		"train.batch_size=8":   "c.yml:1:8: model.num_classes is missing",
		"model.num_classes=x":  `--set model.num_classes=x: model.num_classes must be a whole number, not "x"`,
		"model.numclasses=699": "did you mean \"num_classes\"?",
	} {
		if _, _, err := config.Parse("c.yml", text, assignment); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", assignment, err, want)
		}
	}
}

func TestAssignmentsThatCompleteAFileKeepItsOtherKeys(t *testing.T) {
	const rest = "optimizer: {name: adam, params: {lr: 0.01, betas: [0.8, 0.9], eps: 1e-6}}\nscheduler: {name: exponential, params: {gamma: 0.5}}\nloss: {name: mixed_bce_f2, params: {weight: 0.7}}\n"
	want, _, err := config.Parse("c.yml", []byte("model: {arch: resnet18, num_classes: 5}\n"+rest))
	if err != nil {
		t.Fatal(err)
	}
	for text, assignment := range map[string]string{
		"model: {arch: resnet18}\n" + rest:                 "model.num_classes=5",
		"model: {arch: resnet18, num_classes: 0}\n" + rest: "model.num_classes=5",
		rest: "model={arch: resnet18, num_classes: 5}",
		"model: {arch: resnet18, num_classes: 5}\n" + strings.Replace(rest, "adam", "adm", 1):                "optimizer.name=adam",
		"model: {arch: resnet18, num_classes: 5}\n" + strings.Replace(rest, "exponential", "exponentail", 1): "scheduler.name=exponential",
		"model:\n" + rest: "model={arch: resnet18, num_classes: 5}",
		"model: {arch: resnet18, num_classes: 5, dropout: 7}\n" + rest: "model.dropout=0",
	} {
		got, _, err := config.Parse("c.yml", []byte(text), assignment)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s: %v\n%+v\nwant\n%+v", text, assignment, err, got, want)
		}
	}
	for assignment, want := range map[string]string{
		"model.dropout=7":        "c.yml: model.dropout is 7; it must be between 0 and 0.999",
		"optimizer.params.lr=-1": "c.yml: optimizer.params.lr is -1; it must be between 0 and 1000000",
	} {
		if _, _, err := config.Parse("c.yml", []byte("model: {arch: resnet18}\n"+rest), "model.num_classes=5", assignment); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", assignment, err, want)
		}
	}
}

func TestKeysAndValuesAreListed(t *testing.T) {
	if got := config.Keys("train.swa"); !reflect.DeepEqual(got, []string{"enable", "period", "start"}) {
		t.Errorf("keys %v", got)
	}
	if got := config.Keys("train.csv"); got != nil {
		t.Errorf("keys %v", got)
	}
	for _, key := range []string{"model.arch", "optimizer.name", "scheduler.name", "loss.name", "augmentations.affine", "test.tta_combine_func", "train.swa.enable"} {
		names := config.Values(key)
		if len(names) == 0 {
			t.Errorf("%s has no names", key)
		}
		for _, name := range names {
			if _, _, err := config.Parse("c.yml", []byte(minimal), key+"="+name); err != nil && !strings.Contains(err.Error(), "needs scheduler.params") {
				t.Errorf("%s=%s: %v", key, name, err)
			}
		}
	}
	if got := config.Values("train.csv.x"); got != nil {
		t.Errorf("names %v", got)
	}
}

const multiclass = "model: {arch: cifar_resnet20, task: multiclass, num_classes: 3}\n"

func TestTasksHaveDefaultsOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		text, loss, score string
		classes           int
	}{
		{minimal, "binary_cross_entropy", "f-beta", 10},
		{multiclass, "cross_entropy", "accuracy", 3},
		{"model: {arch: resnet18, task: regression}\n", "mse", "rmse", 1},
		{"model: {arch: resnet18, task: regression}\nlabels: {columns: [a, b]}\n", "mse", "rmse", 2},
		{"model: {arch: resnet18, task: ordinal, num_classes: 5}\n", "binary_cross_entropy", "quadratic-kappa", 5},
		{"model: {arch: resnet18, task: multiclass}\nlabels: {classes: [a, b]}\n", "cross_entropy", "accuracy", 2},
		{minimal + "metric: {name: macro_f_beta, params: {beta: 0.5}}\n", "binary_cross_entropy", "macro-f-beta (beta 0.5)", 10},
		{minimal + "metric: {params: {beta: 1}}\n", "binary_cross_entropy", "f-beta (beta 1)", 10},
		{minimal + "loss: {params: {label_smoothing: 0.1, class_weights: balanced}}\n", "binary_cross_entropy", "f-beta", 10},
		{multiclass + "loss: {params: {class_weights: [1, 2.5, 0]}}\n", "cross_entropy", "accuracy", 3},
		{multiclass + "loss: {name: focal_loss, params: {gamma: 1.5, alpha: 0.25}}\nmetric: {name: roc-auc}\n", "focal_loss", "roc-auc", 3},
	} {
		got, _, err := config.Parse("c.yml", []byte(c.text))
		if err != nil {
			t.Error(err)
			continue
		}
		if got.Loss.Name != c.loss || got.Score().String() != c.score || got.Model.NumClasses != c.classes {
			t.Errorf("%q: loss %s, metric %s, %d classes; want %s, %s, %d", c.text, got.Loss.Name, got.Score(), got.Model.NumClasses, c.loss, c.score, c.classes)
		}
		roundTrip(t, got)
	}
	c, _, err := config.Parse("c.yml", []byte(multiclass), "loss.params.class_weights=[1, 2.5, 0]")
	if got := c.Loss.Params.Weights(); err != nil || !reflect.DeepEqual(got, []float64{1, 2.5, 0}) {
		t.Errorf("weights %v, %v", got, err)
	}
	if c, _, err = config.Parse("c.yml", []byte(minimal), "model.task=multiclass"); err != nil || c.Loss.Name != "cross_entropy" {
		t.Errorf("%v; another task keeps the loss %s", err, c.Loss.Name)
	}
}

func TestWhatDoesNotFitTheTaskIsRefused(t *testing.T) {
	ordinal := "model: {arch: resnet18, task: ordinal, num_classes: 4}\n"
	for text, want := range map[string]string{
		"model: {arch: resnet18, task: multi_class, num_classes: 2}\n": `c.yml:1:31: unknown task "multi_class" in model.task (did you mean "multiclass"?); there are multilabel, multiclass, regression, ordinal`,
		"model: {arch: resnet18, task: ordinal, num_classes: 1}\n":     "model.num_classes is 1; it must be between 2 and 1048576",
		"model: {arch: resnet18, task: multiclass}\n":                  "model.num_classes is missing",
		multiclass + "loss: {name: mse}\n":                             "c.yml:2:14: the loss mse does not fit the task multiclass; these do: cross_entropy, focal_loss",
		ordinal + "loss: {name: cross_entropy}\n":                      "does not fit the task ordinal; these do: binary_cross_entropy, focal_loss",
		multiclass + "metric: {name: rmse}\n":                          "c.yml:2:9: the metric rmse does not fit the task multiclass; these do: f-beta",
		minimal + "metric: {name: f1}\n":                               `unknown metric "f1"`,
		minimal + "metric: {name: accuraci}\n":                         `c.yml:2:16: unknown metric "accuraci" in metric.name (did you mean "accuracy"?)`,
		multiclass + "metric: {params: {beta: 1}}\n":                   "the metric accuracy has no beta; the F-betas have",
		multiclass + "loss: {params: {class_weights: [1, 2]}}\n":       "loss.params.class_weights has 2 weights, but model.num_classes is 3; \"balanced\" takes them",
		multiclass + "loss: {params: {class_weights: [1, 2, x]}}\n":    `"x" is not a number between 0 and 1000000`,
		ordinal + "loss: {params: {class_weights: balanced}}\n":        "the task ordinal takes no class weights",
		minimal + "loss: {name: focal_loss, params: {gamma: 0}}\n":     "loss.params.gamma must be above 0; binary_cross_entropy and cross_entropy have no focus",
		minimal + "labels: {column: x}\n":                              `unknown key "column" in labels (did you mean "columns"?)`,
	} {
		if _, _, err := config.Parse("c.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
