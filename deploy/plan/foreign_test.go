package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

const foreignModel = "demo_a_f0_e07_0.6123"

// ema adds an average of the weights, which differs in one bias.
func ema(s *weights.StateDict) {
	var all []weights.Tensor
	for _, prefix := range []string{"model.", "ema_model.module."} {
		for _, x := range s.Tensors {
			if x.Name == "linear.bias" && prefix != "model." {
				v, err := x.Float32s()
				if err != nil {
					panic(err)
				}
				v[0]++
				x = weights.NewFloat32(x.Name, x.Shape, v)
			}
			x.Name = prefix + x.Name
			all = append(all, x)
		}
	}
	s.Tensors = all
}

// The kernel gets the chosen weights under their plain names.
func TestWeightsAreChosenByFlagAndConfig(t *testing.T) {
	f := write(t)
	plain, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := func(b *plan.Built) string {
		w, ok := b.Weight(foreignModel)
		if !ok {
			t.Fatal("the fold is missing")
		}
		data, err := w.Plain(t.Context()) // it compares the hash
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data[:1000]), "ema_model") {
			t.Error("the names have a prefix")
		}
		return w.SHA256
	}
	rewrite(t, f, foreignModel, ema)
	var warnings []string
	warn := func(text string) { warnings = append(warnings, text) }
	mean, err := build(f, plan.Options{Warn: warn})
	if err != nil {
		t.Fatal(err)
	}
	meanSum := sum(mean)
	if len(warnings) != 1 || !strings.Contains(warnings[0], foreignModel+`.safetensors: taking the weights under "ema_model", the average; there are others under "model"`) {
		t.Errorf("warnings %q", warnings)
	}
	if _, err := build(f, plan.Options{WeightsKey: "model"}); err == nil || !strings.Contains(err.Error(), `no weights under "model"`) {
		t.Fatal("a key that most files don't have was taken")
	}
	// The config of a fold chooses for this fold only.
	rewrite(t, f, foreignModel, func(s *weights.StateDict) {
		s.Metadata["config"] = strings.Replace(s.Metadata["config"], "model:\n", "model:\n    weights_key: model\n", 1)
	})
	raw, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if meanSum == sum(raw) || mean.Plan.Models[0].Folds[0].SHA256 == plain.Plan.Models[0].Folds[0].SHA256 {
		t.Error("the same weights were taken")
	}
}

func TestWeightsOfEveryEndingAreFound(t *testing.T) {
	f := write(t)
	want, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.Weights, foreignModel+".safetensors")
	for _, ending := range []string{".pth", ".pth.tar", ".ckpt", ".bin", ".PTH", ".th", ".weights", ""} {
		other := filepath.Join(f.Weights, foreignModel+ending)
		if err := os.Rename(path, other); err != nil {
			t.Fatal(err)
		}
		got, err := build(f, plan.Options{})
		if err != nil {
			t.Errorf("%q: %v", ending, err)
		} else if got.Plan.Models[0].Folds[0].SHA256 != want.Plan.Models[0].Folds[0].SHA256 {
			t.Errorf("%q: other weights", ending)
		}
		path = other
	}
	if err := os.Rename(path, path+".yml.old"); err != nil {
		t.Fatal(err)
	}
	if _, err := build(f, plan.Options{}); err == nil || !strings.Contains(err.Error(), "no weights") {
		t.Errorf("got %v", err)
	}
}

// The kernel gets the names without the prefix.
func TestEncryptedWeightsLoseTheirPrefix(t *testing.T) {
	f := write(t)
	want, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, f, foreignModel, func(s *weights.StateDict) {
		for i := range s.Tensors {
			s.Tensors[i].Name = "module." + s.Tensors[i].Name
		}
	})
	key := newKey(t)
	encrypt(t, f, key)
	got, err := build(f, plan.Options{Key: func() (crypt.Key, error) { return key, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := got.Plan.Models[0].Folds[0], want.Plan.Models[0].Folds[0]; a.SHA256 != b.SHA256 || a.Size != b.Size {
		t.Errorf("%+v, want %+v", a, b)
	}
}
