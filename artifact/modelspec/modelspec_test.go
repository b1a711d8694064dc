package modelspec_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

const minimal = "model: {arch: cifar_resnet20, num_classes: 10}\n"

func Example() {
	spec, err := modelspec.Parse("small.yml", []byte("model: {arch: cifar_resnet20, input_size: 32, num_classes: 10}\ntest: {num_ttas: 2}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	m := spec.Ensemble("small")
	fmt.Println(m.Arch, m.InputSize, m.Classes, m.Views)
	_, err = modelspec.Parse("small.yml", []byte("model: {arch: cifar_resnet20, input_sise: 32}\n"))
	fmt.Println(err)
	// Output:
	// cifar_resnet20 32 10 2
	// small.yml:1:31: unknown key "input_sise" in model (did you mean "input_size"?); there are arch, onnx, task, input_size, num_classes, num_folds, dropout, resize, interpolation, crop_pct, resize_to, pad, normalize, mean, std, weights_key
}

// The spec of a file is the spec of the training config in the same file.
func TestASpecAgreesWithTheTrainingConfig(t *testing.T) {
	for _, text := range []string{
		minimal, minimal + "train:\n", minimal + "train: {batch_size: 8, csv: a.csv, folds_file: a.npy}\n",
		minimal + "alpha: white\nexif: apply\n", minimal + "test: {csv: t.csv, batch_size: 8, num_ttas: 4}\n",
		"model: {arch: resnet34, task: regression}\nlabels: {columns: [a, b]}\n",
		"model: {arch: resnet34, task: multiclass}\nlabels: {classes: [a, b], group: p}\nmetric: {name: roc-auc}\n",
		"model: {arch: resnet34, num_classes: 3, num_folds: 9, dropout: 0.5, resize: squash, normalize: openai_clip, weights_key: ema}\n",
		"data: &x {train_dir: a}\nmodel: &m {arch: resnet34, num_classes: 3}\n",
	} {
		c, _, err := config.Parse("c.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := modelspec.Parse("c.yml", []byte(text))
		if err != nil || !reflect.DeepEqual(got, c.Spec()) {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, c.Spec())
		}
		resolved, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := modelspec.Parse("c.yml", resolved); err != nil || !reflect.DeepEqual(got, c.Spec()) {
			t.Errorf("%s: %+v, %v; want %+v", resolved, got, err, c.Spec())
		}
	}
}

// Both readers of a config refuse the same mistakes with the same words.
func TestMistakesAreRefusedAsInTheTrainingConfig(t *testing.T) {
	for _, text := range []string{
		"", "model: [", "model:\n\tarch: resnet18\n", minimal + "---\n" + minimal, "id,attribute_ids\na,1 2\n",
		"model: {arch: resnet34, task: x, num_classes: 2}\n", "model: {arch: resnet34, task: ordinal, num_classes: 1}\n",
		minimal + "metric: {params: {min_tpr: 2}}\n", minimal + "labels: {colums: a}\n",
		"- predicts: [level1_train_a_f0_e1_0.5.npy]\n  weight: 1\n", "threshold: 0.4\n", "- 1\n", "a text\n",
		"data: {inputs: [a]}\n", minimal + "optimiser: {name: adam}\n", minimal + "alfa: white\n", minimal + "zebra: 1\n",
		minimal + minimal, minimal + "train: 3\n", minimal + "train: {csv: a, csv: b}\n", minimal + "train: {csv: [a]}\n",
		"model: {arch: resnet18, num_classes: 2, input_sise: 3}\n", "model: {arch: {x: 1}}\n", "model: [1]\n", "model: {num_classes: 2}\n",
		"model: {arch: resnet18}\n", "model: {arch: resnet18, num_classes: 0}\n", "model: {arch: resnet18, num_classes: 2, dropout: '1'}\n",
		minimal + "test: {num_ttas: 7}\n", minimal + "test: {num_tas: 2}\n", minimal + "test: {tta_combine_func: median}\n",
		minimal + "alpha: whit\n", minimal + "exif: yes\n",
	} {
		_, got := modelspec.Parse("c.yml", []byte(text))
		_, _, want := config.Parse("c.yml", []byte(text))
		if got == nil || want == nil || got.Error() != want.Error() {
			t.Errorf("%q:\ngot  %v\nwant %v", text, got, want)
		}
	}
}

func TestOtherSectionsAreSkipped(t *testing.T) {
	for _, text := range []string{
		"optimizer: {name: adamm}\n", "scheduler: 3\n", "loss: [a]\n", "augmentations: {dropout: 0.3}\n", "cosine: {perod: 3}\n",
		"data: {train_dirr: a}\n", "train: {batch_sise: 3, num_epochs: many}\n",
	} {
		if _, err := modelspec.Parse("c.yml", []byte(minimal+text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestValuesAreListed(t *testing.T) {
	for _, key := range []string{"model.arch", "model.resize", "model.interpolation", "model.normalize", "alpha", "exif", "test.tta_combine_func"} {
		values := modelspec.Values(key)
		if len(values) == 0 {
			t.Errorf("%s has no values", key)
		}
		for _, v := range values {
			section, name, nested := strings.Cut(key, ".")
			text := fmt.Sprintf("%s: %s\n", key, v)
			if nested {
				text = fmt.Sprintf("%s: {%s: %s}\n", section, name, v)
			}
			if section == "model" {
				text = strings.Replace(minimal, "}", fmt.Sprintf(", %s: %s}", name, v), 1)
			}
			if key == "model.arch" {
				text = "model: {arch: " + v + ", num_classes: 10}\n"
			} else if section != "model" {
				text = minimal + text
			}
			if _, err := modelspec.Parse("c.yml", []byte(text)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	if got := modelspec.Values("train.csv"); got != nil {
		t.Errorf("values %v", got)
	}
}
