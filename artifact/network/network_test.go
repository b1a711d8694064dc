package network_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// source is the head of a file.
type source struct {
	infos    []weights.Info
	metadata map[string]string
}

func (s source) Metadata() map[string]string { return s.metadata }
func (s source) Infos() []weights.Info       { return s.infos }

func sourceOf(a arch.Arch, c arch.Config, metadata map[string]string) source {
	g, err := a.Build(c)
	if err != nil {
		panic(err)
	}
	var infos []weights.Info
	for _, p := range g.Params() {
		infos = append(infos, weights.Info{Name: p.Name, DType: weights.F32, Shape: p.Shape})
	}
	return source{infos, metadata}
}

func Example() {
	file := sourceOf(arch.CIFARResNet20, arch.Config{InputSize: 32, Classes: 7}, map[string]string{"arch": "cifar_resnet20", "input_size": "32"})
	g, a, err := network.Of(file, network.Choice{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Name, g.Classes(), g.Input.Shape)
	// Output: cifar_resnet20 7 3x32x32
}

func TestKeysRevealTheArchitecture(t *testing.T) {
	for _, a := range arch.All() {
		for _, dropout := range []float64{0, 0.5} {
			g, found, err := network.Of(sourceOf(a, arch.Config{InputSize: 128, Classes: 5, Dropout: dropout}, nil), network.Choice{InputSize: 128})
			if size, ok := strings.CutPrefix(strings.TrimPrefix(a.Name, "tf_"), "efficientnet_"); ok {
				if want := fmt.Sprintf("the weights fit efficientnet_%s and tf_efficientnet_%s alike", size, size); err == nil || err.Error() != want {
					t.Errorf("%s: got %v, want %q", a.Name, err, want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", a.Name, err)
				continue
			}
			if g.Arch != a.Name || g.Classes() != 5 {
				t.Errorf("%s was taken for %s (%s) of %d classes", a.Name, g.Arch, found.Name, g.Classes())
			}
		}
	}
}

// Both layouts have one name; the keys of a file reveal which one it has.
func TestKeysRevealTheLayout(t *testing.T) {
	r, err := golden.Arch("senet_se_resnext50_32x4d")
	if err != nil {
		t.Fatal(err)
	}
	var infos []weights.Info
	for _, i := range r.StateDict {
		infos = append(infos, weights.Info{Name: i.Name, DType: weights.F32, Shape: i.Shape})
	}
	g, a, err := network.Of(source{infos, map[string]string{"arch": "seresnext50_32x4d", "input_size": "288"}}, network.Choice{})
	if err != nil || g.Arch != "senet_se_resnext50_32x4d" || a.Name != "seresnext50_32x4d" {
		t.Errorf("%v, %v", a.Name, err)
	}
}

func TestUnknownNetworksAreRefused(t *testing.T) {
	file := sourceOf(arch.CIFARResNet20, arch.Config{InputSize: 32, Classes: 7}, nil)
	if _, _, err := network.Of(file, network.Choice{}); !errors.Is(err, network.ErrInputSize) {
		t.Errorf("no size: %v", err)
	}
	for want, c := range map[string]network.Choice{
		`unknown architecture "cifarresnet20": did you mean cifar_resnet20?`: {Arch: "cifarresnet20", InputSize: 32},
		"not those of cifar_resnet32 with 7 classes: 60 missing":             {Arch: "cifar_resnet32", InputSize: 32},
		"does not fit 1 pixels":         {Arch: "xception", InputSize: 3},
		"every side must be 1 to 65536": {Arch: "cifar_resnet20", InputSize: -1},
	} {
		_, _, err := network.Of(file, c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", c, err, want)
		}
	}
	if _, _, err := network.Of(source{}, network.Choice{InputSize: 32}); err == nil || !strings.Contains(err.Error(), "fit none of cifar_resnet20, ") {
		t.Errorf("no weights: %v", err)
	}
}

func TestImportedWeightsHoldTheirNetwork(t *testing.T) {
	const text = "Input 3 8 8\nGlobalAvgPool 0\nLinear 1 \"fc\" 5\nOutput 2\n"
	file := func(metadata ...string) source {
		s := source{metadata: map[string]string{"arch": arch.ImportedName(text), "graph": text}, infos: []weights.Info{
			{Name: "fc.weight", DType: weights.F32, Shape: []int{5, 3}}, {Name: "fc.bias", DType: weights.F32, Shape: []int{5}},
		}}
		for i := 0; i < len(metadata); i += 2 {
			s.metadata[metadata[i]] = metadata[i+1]
		}
		return s
	}
	g, a, err := network.Of(file(), network.Choice{})
	if err != nil || g.Classes() != 5 || a.Name != g.Arch || a.Mean != arch.ResNet18.Mean {
		t.Errorf("%v, %v, %v", g, a, err)
	}
	if _, a, err := network.Of(file("mean", "0.5 0.5 0.5", "std", "0.25 0.25 0.25"), network.Choice{}); err != nil || a.Std != [3]float32{0.25, 0.25, 0.25} {
		t.Errorf("%v, %v", a, err)
	}
	if _, a, err := network.Of(file("mean", "127 127 127", "std", "1 1 1"), network.Choice{}); err != nil || a.Mean != arch.ResNet18.Mean {
		t.Errorf("%v, %v", a, err)
	}
	for want, f := range map[string]source{
		"changed since the import": file("arch", "onnx:123456789abc"),
		"lack its graph":           file("graph", ""),
		"line 1 of the network":    file("graph", "ReLU\n", "arch", arch.ImportedName("ReLU\n")),
	} {
		if _, _, err := network.Of(f, network.Choice{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for want, c := range map[string]network.Choice{
		"not of resnet18":                    {Arch: "resnet18"},
		"takes images of 8 pixels, not of 9": {InputSize: 9},
	} {
		if _, _, err := network.Of(file(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
