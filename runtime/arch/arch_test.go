package arch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

func Example() {
	a, err := arch.Find(arch.All(), "cifar_resnet20")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := a.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Params()[0].Name, g.Params()[0].Shape, g.Output.Shape)
	// Output: conv1.weight [16 3 3 3] 10x1x1
}

// references lists the networks for which PyTorch's parameters and modules are recorded.
var references = []string{
	"seresnext50_32x4d", "senet_se_resnext50_32x4d", "seresnext101_32x4d", "seresnext101_64x4d",
	"cbam_resnet50", "pnasnet5large", "xception", "inceptionresnetv2",
}

// draw builds the network of a reference like a program that has its weights.
func draw(t *testing.T, r *golden.Reference) *nn.Graph {
	t.Helper()
	a, err := arch.Find(arch.All(), r.ConfigArch)
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Build(arch.Config{InputSize: r.Input[2], Classes: r.Classes, Keys: r.Has})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestParametersEqualPyTorchs(t *testing.T) {
	for _, name := range references {
		r, err := golden.Arch(name)
		if err != nil {
			t.Fatal(err)
		}
		compareParams(t, name, draw(t, r), r.StateDict)
	}
}

// compareParams compares sets: PyTorch lists modules in order of their creation, a
// graph in order of computation.
func compareParams(t *testing.T, name string, g *nn.Graph, want []golden.ReferenceInfo) {
	t.Helper()
	got := map[string]string{}
	for _, p := range g.Params() {
		got[p.Name] = fmt.Sprint(p.Shape)
	}
	for _, info := range want {
		if strings.HasSuffix(info.Name, ".num_batches_tracked") {
			continue
		}
		if shape := fmt.Sprint(info.Shape); got[info.Name] != shape {
			t.Errorf("%s: %s has shape %q, want %s", name, info.Name, got[info.Name], shape)
		}
		delete(got, info.Name)
	}
	for extra := range got {
		t.Errorf("%s: PyTorch has no %s", name, extra)
	}
}

func TestModulesHaveTheShapesOfPyTorch(t *testing.T) {
	for _, name := range references {
		r, err := golden.Arch(name)
		if err != nil {
			t.Fatal(err)
		}
		g := draw(t, r)
		marked := map[string]nn.Shape{}
		for _, m := range g.Modules {
			if _, ok := marked[m.Name]; ok {
				t.Errorf("%s: the module %s is marked twice", name, m.Name)
			}
			marked[m.Name] = m.Node.Shape
		}
		for _, m := range r.Modules {
			want := nn.Shape{C: m.Shape[1], H: 1, W: 1}
			if len(m.Shape) == 4 {
				want.H, want.W = m.Shape[2], m.Shape[3]
			}
			if got, ok := marked[m.Name]; !ok || got != want {
				t.Errorf("%s: module %s has shape %v, want %v", name, m.Name, got, want)
			}
		}
	}
}

// The file is akamaster's. PyTorch wrote real_files.json.
func TestCIFARNetworksHaveTheKeysOfARealFile(t *testing.T) {
	text, err := os.ReadFile(golden.Shared(t, "golden/pth/real_files.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]struct {
		Tensors map[string]golden.ReferenceInfo
	}
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	var want []golden.ReferenceInfo
	for key, info := range files["resnet20-12fca82f.th"].Tensors {
		info.Name = strings.TrimPrefix(key, "module.")
		want = append(want, info)
	}
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	compareParams(t, "cifar_resnet20", g, want)
}

// He et al., table 6.
func TestCIFARNetworksHaveTheirNumberOfLayers(t *testing.T) {
	for layers, a := range map[int]arch.Arch{20: arch.CIFARResNet20, 32: arch.CIFARResNet32, 44: arch.CIFARResNet44, 56: arch.CIFARResNet56} {
		g, err := a.Build(arch.Config{InputSize: 32, Classes: 10})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, node := range g.Nodes {
			if node.Op == nn.Conv || node.Op == nn.Linear {
				n++
			}
		}
		if n != layers || a.Name != fmt.Sprintf("cifar_resnet%d", layers) {
			t.Errorf("%s has %d layers", a.Name, n)
		}
	}
}

// The numbers of parameters are from torchvision's documentation.
func TestPlainNetworksHaveTorchvisionsKeys(t *testing.T) {
	for _, c := range []struct {
		arch   arch.Arch
		params int
		key    string
	}{
		{arch.ResNet18, 11689512, "layer4.1.conv2.weight"},
		{arch.ResNet34, 21797672, "layer3.5.bn2.running_var"},
		{arch.ResNet50, 25557032, "layer4.0.downsample.0.weight"},
		{arch.ResNet101, 44549160, "layer3.22.bn3.bias"},
	} {
		g, err := c.arch.Build(arch.Config{InputSize: 224, Classes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		n, found := 0, false
		for _, p := range g.Params() {
			if p.Role.Trainable() {
				k, err := weights.Elements(p.Shape)
				if err != nil {
					t.Fatal(err)
				}
				n += k
			}
			found = found || p.Name == c.key
		}
		if n != c.params || !found || !slices.ContainsFunc(g.Params(), func(p nn.Param) bool { return p.Name == "fc.bias" }) {
			t.Errorf("%s has %d parameters, want %d; key %s found: %v", c.arch.Name, n, c.params, c.key, found)
		}
	}
}

func TestEveryArchitectureTakesAnySizeAndNumberOfClasses(t *testing.T) {
	for _, a := range arch.All() {
		for _, size := range []int{97, 128, 299, 352} {
			for _, dropout := range []float64{0, 0.5} {
				g, err := a.Build(arch.Config{InputSize: size, Classes: size, Dropout: dropout})
				if err != nil {
					t.Errorf("%s at %d: %v", a.Name, size, err)
					continue
				}
				if g.Classes() != size || g.Arch != a.Name {
					t.Errorf("%s at %d: %d classes, named %s", a.Name, size, g.Classes(), g.Arch)
				}
				if drops := slices.ContainsFunc(g.Nodes, func(n *nn.Node) bool { return n.Op == nn.Dropout }); drops != (dropout > 0) {
					t.Errorf("%s, dropout %v: has a dropout layer is %v", a.Name, dropout, drops)
				}
			}
		}
		for _, c := range []arch.Config{{}, {InputSize: 128}, {Classes: 3}, {InputSize: 128, Classes: 3, Dropout: 1}, {InputSize: -1, Classes: 3}, {InputSize: 1 << 40, Classes: 3}} {
			if _, err := a.Build(c); err == nil {
				t.Errorf("%s was drawn of %+v", a.Name, c)
			}
		}
	}
}

func TestTheHeadFollowsDropoutAndTheWeightsKeys(t *testing.T) {
	keys := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, c := range []struct {
		dropout float64
		keys    func(string) bool
		want    string
	}{
		{0, nil, "output.weight"},
		{0.5, nil, "output.1.weight"},
		{0, keys("output.1.weight"), "output.1.weight"},
		{0.5, keys("output.weight"), "output.weight"},
		{0.5, keys("something"), "output.1.weight"},
	} {
		g, err := arch.SEResNeXt50.Build(arch.Config{InputSize: 64, Classes: 2, Dropout: c.dropout, Keys: c.keys})
		if err != nil {
			t.Fatal(err)
		}
		ps := g.Params()
		if got := ps[len(ps)-2].Name; got != c.want {
			t.Errorf("%+v: the head is %s", c, got)
		}
	}
}

func TestAnUnknownNameIsAnsweredWithTheKnownOnes(t *testing.T) {
	if _, err := arch.Find(arch.All(), "nobody"); err == nil || !strings.Contains(err.Error(), `unknown architecture "nobody" (known: cifar_resnet20, `) {
		t.Errorf("got %v", err)
	}
	if _, err := arch.PNASNet5Large.Build(arch.Config{InputSize: 340, Classes: 2}); err == nil || !strings.Contains(err.Error(), "340 pixels; 338 and 347 do") {
		t.Errorf("got %v", err)
	}
	if _, err := arch.Find(nil, "x"); err == nil {
		t.Error("a network was found among none")
	}
}

func TestErrorsNameWeightsThatDoNotFit(t *testing.T) {
	build := func(classes int) *nn.Graph {
		g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: classes})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	infos := golden.StateDict(build(10)).Infos()
	if err := arch.Check(build(10), infos); err != nil {
		t.Errorf("its own weights: %v", err)
	}
	for want, change := range map[string]func([]weights.Info) []weights.Info{
		"1 missing (conv1.weight)":                           func(s []weights.Info) []weights.Info { return s[1:] },
		"97 missing (conv1.weight, bn1.weight, bn1.bias, …)": func([]weights.Info) []weights.Info { return nil },
		"1 not the network's (fc.weight)": func(s []weights.Info) []weights.Info {
			return append(s, weights.Info{Name: "fc.weight"})
		},
		"conv1.weight is [1 2], the network's is [16 3 3 3]": func(s []weights.Info) []weights.Info {
			s[0].Shape = []int{1, 2}
			return s
		},
		"conv1.weight is of type I64": func(s []weights.Info) []weights.Info {
			s[0].DType = weights.I64
			return s
		},
	} {
		if err := arch.Check(build(10), change(slices.Clone(infos))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	err := arch.Check(build(5), infos)
	if err == nil || !strings.Contains(err.Error(), "linear.weight is [10 64], the network's is [5 64]") {
		t.Errorf("got %v", err)
	}
}
