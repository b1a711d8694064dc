package weightfile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// fits fails unless a file has exactly the weights of the small network. It returns
// their mark.
func fits(t *testing.T, f *weightfile.File) float32 {
	t.Helper()
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := arch.Check(g, f.Infos()); err != nil {
		t.Fatal(err)
	}
	if n := len(netOf(t, 0)); len(f.Infos()) > n {
		t.Errorf("%d tensors, %d at most", len(f.Infos()), n)
	}
	bias, _, err := f.Float32("linear.bias")
	if err != nil {
		t.Fatal(err)
	}
	// What is converted is the same, and the same every time.
	a, b := convert(t, f), convert(t, f)
	if !bytes.Equal(a, b) {
		t.Error("two conversions differ")
	}
	plain, err := weights.Open(bytes.NewReader(a), int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := plain.Float32("linear.bias")
	if err != nil || !slices.Equal(again, bias) {
		t.Errorf("converted %v, not %v (%v)", again, bias, err)
	}
	return bias[0]
}

// The raw weights have the mark 1, others 2.
func TestWrappersAndContainersAreTakenOff(t *testing.T) {
	const quiet = "-"
	net := netOf(t, 1)
	inner := slices.Clone(net)
	for i, x := range inner {
		if rest, ok := strings.CutPrefix(x.Name, "layer2."); ok {
			inner[i].Name = "layer2._orig_mod." + rest
		}
		if rest, ok := strings.CutPrefix(x.Name, "layer3."); ok {
			inner[i].Name = "layer3.module." + rest
		}
	}
	for _, c := range []struct {
		name    string
		tensors []weights.Tensor
		note    string
	}{
		{"plain", net, quiet},
		{"DataParallel", under("module.", net), quiet},
		{"torch.compile", under("_orig_mod.", net), quiet},
		{"DataParallel of torch.compile", under("module._orig_mod.", net), quiet},
		{"torch.compile of DataParallel", under("_orig_mod.module.", net), quiet},
		{"AveragedModel", under("module.", net, counter("n_averaged")), quiet},
		{"AveragedModel of DataParallel of torch.compile", under("module.module._orig_mod.", net, counter("n_averaged")), quiet},
		{"FSDP", under("_fsdp_wrapped_module.", net), quiet},
		{"parts that are wrapped", inner, quiet},
		{"Lightning", under("model.", net), `prefix "model."`},
		{"net", under("net.", net), `prefix "net."`},
		{"backbone", under("backbone.", net), `prefix "backbone."`},
		{"a name of the user's", under("my_cnn_v2.", net), `prefix "my_cnn_v2."`},
		{"nested", under("model.net.backbone.", net), `prefix "model.net.backbone."`},
		{"nested and wrapped", under("model._orig_mod.net.module.", net), `prefix "model.net."`},
		{"a loss beside", under("model.", net, floats("criterion.weight", 1, 2, 3), floats("loss_fn.pos_weight", 1)), "leaving out criterion.weight, loss_fn.pos_weight"},
		{"a loss beside plain names", under("", net, floats("criterion.weight", 1, 2, 3)), "leaving out criterion.weight"},
		{"a loss inside", under("model.", net, floats("model.criterion.weight", 1, 2, 3)), "leaving out model.criterion.weight"},
		{"metrics", under("net.", net, floats("val_acc.correct", 1), floats("train_f1.tp", 1), counter("global_step")), "leaving out val_acc.correct, train_f1.tp"},
		{"a classifier behind a backbone", under("linear.", only(under("", net), true, "linear.weight", "linear.bias")), "split"},
	} {
		if c.note == "split" {
			c.tensors = append(under("backbone.", only(net, false, "linear.weight", "linear.bias")), only(net, true, "linear.weight", "linear.bias")...)
			c.note = `prefix "backbone."`
		}
		for form, data := range map[string][]byte{
			"safetensors": safetensors(t, c.tensors), "PyTorch": torchSave(t, c.tensors),
			"a checkpoint": torchSave(t, []pair{{"epoch", 3}, {"state_dict", c.tensors}}),
		} {
			t.Run(c.name+"/"+form, func(t *testing.T) {
				f := open(t, save(t, "m.bin", data))
				if mark := fits(t, f); mark != 1 {
					t.Errorf("the weights are those of mark %v", mark)
				}
				if c.note == quiet && f.Note() != "" || c.note != quiet && !strings.Contains(f.Note(), c.note) {
					t.Errorf("note %q, want %q", f.Note(), c.note)
				}
			})
		}
	}
}

func TestTheAverageIsPreferredToRawWeights(t *testing.T) {
	raw, mean := netOf(t, 1), netOf(t, 2)
	averaged := under("module.", mean, counter("n_averaged"))
	parameters := only(mean, false, "running_mean", "running_var", "num_batches_tracked")
	for _, c := range []struct {
		name string
		root any
		mark float32
		note string
		key  string // that chooses the other weights
	}{
		{"timm", []pair{{"epoch", 1}, {"arch", "resnet20x"}, {"state_dict", raw}, {"state_dict_ema", mean}}, 2, `"state_dict_ema", the average; there are others under "state_dict"`, "state_dict"},
		{"DeiT", []pair{{"model", raw}, {"model_ema", mean}}, 2, `"model_ema", the average`, "model"},
		{"torchvision", []pair{{"model", raw}, {"model_ema", averaged}}, 2, `"model_ema", the average`, "model"},
		{"mmengine", []pair{{"state_dict", raw}, {"ema_state_dict", under("module.", mean, counter("steps"))}}, 2, `"ema_state_dict", the average`, "state_dict"},
		{"SWA", []pair{{"model_state_dict", raw}, {"swa_model", averaged}}, 2, `"swa_model", the average`, "model_state_dict"},
		{"nested", []pair{{"model", []pair{{"net", raw}}}, {"ema", []pair{{"updates", 7}, {"module", mean}}}}, 2, `"ema", the average`, "model"},
		{"Lightning's callback", []pair{{"state_dict", under("model.", raw)}, {"callbacks", []pair{{"SWA", []pair{{"average_model_state", under("model.", mean)}}}}}}, 2, `average_model_state`, "state_dict"},
		{"camel case", []pair{{"model", raw}, {"modelEMA", mean}}, 2, `"modelEMA", the average`, "model"},
		{"one dict", under("model.", raw, under("ema_model.module.", mean, counter("ema_model.n_averaged"))...), 2, `"ema_model", the average; there are others under "model"`, "model"},
		{"beside plain names", under("", raw, under("ema.", mean)...), 2, `"ema", the average`, "."},
		{"of parameters alone", []pair{{"model", raw}, {"ema", []pair{{"decay", 1}, {"shadow", parameters}}}}, 2, `tensors that it lacks are those under "model"`, "model"},
		{"a list of parameters", []pair{{"model", raw}, {"ema", []pair{{"decay", 1}, {"shadow_params", unnamed(parameters)}}}}, 1, `leaving out the average under "ema.shadow_params", which is a list of tensors without names`, ""},
		{"a list beside a dict", []pair{{"model", raw}, {"model_ema", mean}, {"shadow_params", unnamed(parameters)}}, 2, `"model_ema", the average`, "model"},
		{"a list of something else", []pair{{"model", raw}, {"anchors", unnamed(parameters)}}, 1, "", ""},
		{"no average", []pair{{"model", raw}, {"best_model", mean}}, 1, `"model"; there are others under "best_model"`, ""},
		{"Lightning's averaging", []pair{{"state_dict", raw}, {"current_model_state", mean}}, 1, `"state_dict"; there are others under "current_model_state"`, ""},
		{"an optimizer's averages", []pair{{"model", raw}, {"optimizer", []pair{{"state", []pair{{"exp_avg", mean}}}}}}, 1, "", ""},
		{"a loss's state", []pair{{"model", raw}, {"criterion", []weights.Tensor{floats("weight", 1, 2, 3)}}}, 1, "", ""},
		{"tensors beside", []pair{{"step", ops("N")}, {"rng_state", []weights.Tensor{counter("x")}}, {"net", raw}}, 1, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := save(t, "m.pth.tar", torchSave(t, c.root))
			f := open(t, path)
			if mark := fits(t, f); mark != c.mark {
				t.Errorf("the weights are those of mark %v", mark)
			}
			if c.note == "" && f.Note() != "" || !strings.Contains(f.Note(), c.note) || strings.Contains(f.Note(), "\n") {
				t.Errorf("note %q, want %q", f.Note(), c.note)
			}
			if left := "leaving out"; strings.Contains(f.Note(), left) != strings.Contains(c.note, left) {
				t.Errorf("note %q, want %q", f.Note(), c.note)
			}
			if c.key == "" {
				return
			}
			other, err := weightfile.OpenKey(path, c.key)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if mark := fits(t, other); mark != 1 {
				t.Errorf("--weights-key %s takes those of mark %v", c.key, mark)
			}
		})
	}
}

func TestAListOfTensorsAloneIsRefused(t *testing.T) {
	path := save(t, "ema.pth", torchSave(t, []pair{{"decay", 1}, {"shadow_params", unnamed(netOf(t, 1))}}))
	if _, err := weightfile.Open(path); err == nil || !strings.Contains(err.Error(), `its "shadow_params" is a list of tensors without names`) {
		t.Errorf("got %v", err)
	}
}

func TestAmbiguousChoicesAreRefused(t *testing.T) {
	raw, mean := netOf(t, 1), netOf(t, 2)
	for _, c := range []struct{ name, key, want, hint string }{
		{"two networks", "", `it holds several sets of weights: "student", "teacher"`, "--weights-key student"},
		{"a key that is none", "techer", `no weights under "techer"; there are "student", "teacher"`, "did you mean --weights-key teacher?"},
		{"an unlike key", "zzzzzz", `no weights under "zzzzzz"`, "without --weights-key"},
	} {
		for _, data := range [][]byte{
			torchSave(t, []pair{{"student", raw}, {"teacher", mean}}),
			safetensors(t, under("student.", raw, under("teacher.", mean)...)),
		} {
			path := save(t, "m.pth", data)
			_, err := weightfile.OpenKey(path, c.key)
			var h interface{ Hint() string }
			if err == nil || !strings.HasPrefix(err.Error(), path+": "+c.want) || !errors.As(err, &h) || !strings.Contains(h.Hint(), c.hint) {
				t.Errorf("%s: got %v", c.name, err)
			}
			f, err := weightfile.OpenKey(path, "teacher")
			if err != nil || fits(t, f) != 2 {
				t.Errorf("the teacher: %v", err)
			}
			f.Close()
		}
	}
}

// Tensors under the prefix of the network are never left out silently, because they
// may change what it computes.
func TestUnknownPartsStay(t *testing.T) {
	net := netOf(t, 1)
	for _, tensors := range [][]weights.Tensor{
		under("", net, floats("attention.weight", 1)), under("model.", net, floats("model.layer1.0.se.weight", 1)),
	} {
		f := open(t, save(t, "m.safetensors", safetensors(t, tensors)))
		if len(f.Infos()) != len(net)+1 {
			t.Errorf("%d tensors of %d", len(f.Infos()), len(net)+1)
		}
	}
}

func TestShardedWeightsAreReadByTheirIndex(t *testing.T) {
	net := netOf(t, 1)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	index := func(second string) []byte {
		var b strings.Builder
		b.WriteString(`{"metadata": {"total_size": 1}, "weight_map": {`)
		for i, x := range net {
			if i > 0 {
				b.WriteString(", ")
			}
			file := "m-00001-of-00002"
			if i >= len(net)/2 {
				file = second
			}
			b.WriteString(`"module.` + x.Name + `": "` + file + `"`)
		}
		b.WriteString("}}")
		return []byte(strings.ReplaceAll(b.String(), `-of-00002"`, `-of-00002.safetensors"`))
	}
	all := under("module.", net)
	part := write("m-00001-of-00002.safetensors", safetensors(t, all[:len(net)/2]))
	path := write("m.safetensors.index.json", index("m-00002-of-00002"))
	if _, err := weightfile.Open(path); err == nil || !strings.Contains(err.Error(), "1 of its 2 files are missing: m-00002-of-00002.safetensors") {
		t.Errorf("a missing part: %v", err)
	}
	// The content decides: one part is a pickle.
	write("m-00002-of-00002.safetensors", torchSave(t, all[len(net)/2:]))
	f := open(t, path)
	if fits(t, f) != 1 {
		t.Error("other weights")
	}
	if one := open(t, part); !strings.Contains(one.Note(), "m.safetensors.index.json") {
		t.Errorf("a part alone: %q", one.Note())
	}
	for want, text := range map[string][]byte{
		"is not a file of this folder":     index("../m-00002-of-00002"),
		"a JSON text, not a file of weigh": []byte(`{"error": "Invalid username or password."}`),
		"is not in m-00001-of-00002":       index("m-00001-of-00002"),
	} {
		path := write("bad.safetensors.index.json", text)
		if _, err := weightfile.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
