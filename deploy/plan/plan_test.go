package plan_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

func write(t *testing.T) demodata.Files {
	t.Helper()
	f, err := demodata.Write(t.TempDir(), demodata.Options{Images: 1})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func build(f demodata.Files, o plan.Options) (*plan.Built, error) {
	o.Weights = append(o.Weights, f.Weights)
	return plan.Build(context.Background(), f.Ensemble, o)
}

func Example() {
	dir, err := os.MkdirTemp("", "plan")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	files, err := demodata.Write(dir, demodata.Options{Images: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	built, err := plan.Build(context.Background(), files.Ensemble, plan.Options{Weights: []string{files.Weights}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range built.Plan.Models {
		fmt.Println(m.Name, m.Arch, m.InputSize, m.Views, m.Coefficient, m.Folds[1].Name, m.Folds[1].Threshold)
	}
	// Output:
	// demo_a cifar_resnet20 32 2 0.4 demo_a_f1_e09_0.6088 0.5
	// demo_b cifar_resnet32 48 1 0.6 demo_b_f1_e06_0.6249 0.45
}

// rewrite changes the weights file of a model.
func rewrite(t *testing.T, f demodata.Files, model string, change func(*weights.StateDict)) {
	t.Helper()
	path := filepath.Join(f.Weights, model+".safetensors")
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	w, err := weights.Open(r, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	dict, err := w.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	change(dict)
	var b bytes.Buffer
	if err := weights.Write(&b, dict); err != nil {
		t.Fatal(err)
	}
	put(t, path, b.String())
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, path, from, to string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), from) {
		t.Fatalf("%s has no %q", path, from)
	}
	put(t, path, strings.Replace(string(b), from, to, 1))
}

// All mistakes are reported together, each in one line that names the file.
func TestMistakesNameTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, f demodata.Files)
		want  []string
	}{
		"missing weights": {
			func(t *testing.T, f demodata.Files) {
				remove(t, filepath.Join(f.Weights, f.Models[0]+".safetensors"))
				remove(t, filepath.Join(f.Weights, f.Models[3]+".safetensors"))
			},
			[]string{"demo_a_f0_e07_0.6123: no weights", "demo_b_f1_e06_0.6249: no weights"},
		},
		"weights of another architecture": {
			func(t *testing.T, f demodata.Files) {
				b, err := os.ReadFile(filepath.Join(f.Weights, f.Models[2]+".safetensors"))
				if err != nil {
					t.Fatal(err)
				}
				put(t, filepath.Join(f.Weights, f.Models[0]+".safetensors"), string(b))
				rewrite(t, f, f.Models[0], func(d *weights.StateDict) {
					d.Metadata["config"] = strings.ReplaceAll(d.Metadata["config"], "cifar_resnet32", "cifar_resnet20")
				})
			},
			[]string{"demo_a_f0_e07_0.6123.safetensors: the weights are not those of cifar_resnet20"},
		},
		"unknown architecture": {
			func(t *testing.T, f demodata.Files) {
				rewrite(t, f, f.Models[0], func(d *weights.StateDict) {
					d.Metadata["config"] = strings.ReplaceAll(d.Metadata["config"], "cifar_resnet20", "cifar_resnet22")
				})
			},
			[]string{`demo_a_f0_e07_0.6123.safetensors: `, `did you mean`},
		},
		"config typo": {
			func(t *testing.T, f demodata.Files) {
				for _, m := range f.Models[:2] {
					rewrite(t, f, m, func(d *weights.StateDict) { delete(d.Metadata, "config") })
				}
				edit(t, filepath.Join(f.Configs, "demo_a.yml"), "input_size", "inputt_size")
			},
			[]string{"demo_a.yml:3", "inputt_size"},
		},
		"no config": {
			func(t *testing.T, f demodata.Files) {
				rewrite(t, f, f.Models[0], func(d *weights.StateDict) { delete(d.Metadata, "config") })
				remove(t, filepath.Join(f.Configs, "demo_a.yml"))
			},
			[]string{"demo_a_f0_e07_0.6123.safetensors: the weights carry no config, and there is no demo_a.yml"},
		},
		"no threshold": {
			func(t *testing.T, f demodata.Files) {
				rewrite(t, f, f.Models[1], func(d *weights.StateDict) { delete(d.Metadata, "threshold") })
				remove(t, filepath.Join(f.Weights, f.Models[1]+".yml"))
			},
			[]string{"demo_a_f1_e09_0.6088.safetensors: no threshold"},
		},
		"threshold that is none": {
			func(t *testing.T, f demodata.Files) {
				put(t, filepath.Join(f.Weights, f.Models[1]+".yml"), "threshold: high\n")
			},
			[]string{`demo_a_f1_e09_0.6088.yml:1:12: threshold must be a number, not "high"`},
		},
		"truncated weights": {
			func(t *testing.T, f demodata.Files) {
				if err := os.Truncate(filepath.Join(f.Weights, f.Models[2]+".safetensors"), 1000); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"demo_b_f0_e05_0.6301.safetensors: "},
		},
		"empty weights": {
			func(t *testing.T, f demodata.Files) {
				put(t, filepath.Join(f.Weights, f.Models[2]+".safetensors"), "")
			},
			[]string{"demo_b_f0_e05_0.6301.safetensors: "},
		},
		"another number of classes": {
			func(t *testing.T, f demodata.Files) {
				for _, m := range f.Models[2:] {
					rewrite(t, f, m, func(d *weights.StateDict) {
						d.Metadata["config"] = strings.Replace(d.Metadata["config"], "num_classes: 10", "num_classes: 9", 1)
						for i := range d.Tensors {
							if n := d.Tensors[i].Shape; len(n) > 0 && n[0] == 10 {
								n[0] = 9
								d.Tensors[i].Data = d.Tensors[i].Data[:len(d.Tensors[i].Data)/10*9]
							}
						}
					})
				}
			},
			[]string{"demo_b_f0_e05_0.6301.safetensors: the network has 9 classes, but those before it have 10"},
		},
		"ensemble that is none": {
			func(t *testing.T, f demodata.Files) { edit(t, f.Ensemble, "weight:", "wait:") },
			[]string{"demo_val_0.6402.yml:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := write(t)
			c.spoil(t, f)
			_, err := build(f, plan.Options{Configs: []string{f.Configs}})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error\n%v\ndoes not tell\n%s", err, want)
				}
			}
		})
	}
}

func encrypt(t *testing.T, f demodata.Files, key crypt.Key) {
	t.Helper()
	for _, m := range f.Models {
		path := filepath.Join(f.Weights, m+".safetensors")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, err := crypt.NewWriter(&out, key, filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, path+crypt.Ext, out.String())
		remove(t, path)
	}
}

func newKey(t *testing.T) crypt.Key {
	t.Helper()
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestEncryptedWeightsGiveTheSamePlan(t *testing.T) {
	f, key := write(t), newKey(t)
	plain, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%+v", plain.Plan)
	bytesBefore, err := plain.Weights[1].Plain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	encrypt(t, f, key)

	got, err := build(f, plan.Options{Key: func() (crypt.Key, error) { return key, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%+v", got.Plan); s != want {
		t.Errorf("encrypted: %s\nplain: %s", s, want)
	}
	after, err := got.Weights[1].Plain(t.Context())
	if err != nil || !bytes.Equal(after, bytesBefore) {
		t.Errorf("the plain form differs (%v)", err)
	}
	if sum := sha256.Sum256(after); hex.EncodeToString(sum[:]) != got.Plan.Models[0].Folds[1].SHA256 {
		t.Error("the hash is not the plain form's")
	}

	other := newKey(t)
	_, err = build(f, plan.Options{Key: func() (crypt.Key, error) { return other, nil }})
	if !errors.Is(err, crypt.ErrAuth) || !strings.Contains(err.Error(), f.Models[0]+".safetensors.enc") {
		t.Errorf("another key: error %v", err)
	}
	_, err = build(f, plan.Options{})
	if err == nil || !strings.Contains(err.Error(), f.Models[0]+".safetensors.enc: it is encrypted, and no key was given") {
		t.Errorf("no key: error %v", err)
	}
}

func TestWeightsThatChangeAfterTheCheckAreRefused(t *testing.T) {
	f := write(t)
	built, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, f, f.Models[0], func(d *weights.StateDict) { d.Tensors[0].Data[0] ^= 1 })
	if _, err := built.Weights[0].Plain(t.Context()); err == nil || !strings.Contains(err.Error(), "changed since it was checked") {
		t.Errorf("error %v", err)
	}
}

func TestTheThresholdFileOverridesTheWeights(t *testing.T) {
	f := write(t)
	put(t, filepath.Join(f.Weights, f.Models[0]+".yml"), "threshold: 0.25\n")
	built, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := built.Plan.Models[0].Folds[0].Threshold; got != 0.25 {
		t.Errorf("threshold %v, want 0.25", got)
	}
}

func TestTheOffsetOfAModelRaisesItsThresholds(t *testing.T) {
	f := write(t)
	before, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	edit(t, f.Ensemble, "weight: 0.4", "weight: 0.4\n  offset: 0.125")
	after, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range after.Plan.Models {
		for j, fold := range m.Folds {
			want := before.Plan.Models[i].Folds[j].Threshold
			if i == 0 {
				want += 0.125
			}
			if fold.Threshold != want {
				t.Errorf("%s: threshold %v, want %v", fold.Name, fold.Threshold, want)
			}
		}
	}
}

func TestTheOffsetsOfClassesAreInThePlan(t *testing.T) {
	f := write(t)
	edit(t, f.Ensemble, "- predicts:", "- class-offsets: {3: 0.125, 9: -0.25}\n- predicts:")
	built, err := build(f, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{3: 0.125, 9: -0.25}; !slices.Equal(built.Plan.ClassOffsets, want) {
		t.Errorf("offsets %v, want %v", built.Plan.ClassOffsets, want)
	}
	edit(t, f.Ensemble, "9:", "10:")
	if _, err := build(f, plan.Options{}); err == nil || err.Error() != f.Ensemble+": class-offsets: class 10, but there are 10 (0 to 9)" {
		t.Errorf("error %v", err)
	}
	edit(t, f.Ensemble, "10: -0.25", "9: -1.25")
	if _, err := build(f, plan.Options{}); err == nil || !strings.HasSuffix(err.Error(), "class 9: the offset -1.25 is not between -1 and 1") {
		t.Errorf("error %v", err)
	}
}

func TestAnInterruptStopsBuild(t *testing.T) {
	f := write(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := plan.Build(ctx, f.Ensemble, plan.Options{Weights: []string{f.Weights}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
