package initial_test

import (
	"math"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/initial"
)

func network(t *testing.T, classes int) *nn.Graph {
	t.Helper()
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func values(t *testing.T, d *weights.StateDict, name string) []float32 {
	t.Helper()
	v, _, err := d.Float32(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRandomWeightsHaveTheVarianceOfHe(t *testing.T) {
	g := network(t, 10)
	d := initial.Random(g, 1)
	if err := arch.Check(g, d.Infos()); err != nil {
		t.Fatal(err)
	}
	if len(d.Tensors) != len(golden.StateDict(g).Tensors) {
		t.Errorf("%d tensors, PyTorch has %d", len(d.Tensors), len(golden.StateDict(g).Tensors))
	}
	sum := 0.0
	v := values(t, d, "layer3.1.conv1.weight")
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if got, want := sum/float64(len(v)), 2.0/(64*9); math.Abs(got-want) > 0.05*want {
		t.Errorf("variance %v, want %v", got, want)
	}
	if values(t, d, "bn1.weight")[3] != 1 || values(t, d, "bn1.running_var")[3] != 1 || values(t, d, "bn1.bias")[3] != 0 {
		t.Error("a batch norm is not the identity")
	}
	again, other := initial.Random(g, 1), initial.Random(g, 2)
	if values(t, again, "conv1.weight")[0] != values(t, d, "conv1.weight")[0] || values(t, other, "conv1.weight")[0] == values(t, d, "conv1.weight")[0] {
		t.Error("the weights do not depend on the seed")
	}
}

func TestPretrainedWeightsGetANewHead(t *testing.T) {
	from := dict{golden.StateDict(network(t, 10))}
	g := network(t, 7)
	d, err := initial.Pretrained(g, from, 1)
	if err != nil {
		t.Fatal(err)
	}
	if values(t, d, "layer1.0.bn1.weight")[2] != values(t, from.StateDict, "layer1.0.bn1.weight")[2] {
		t.Error("the backbone differs from the file's")
	}
	if n := len(values(t, d, "linear.weight")); n != 7*64 {
		t.Errorf("the head has %d weights, want 7x64", n)
	}
	if _, err := initial.Same(g, from); err == nil || !strings.Contains(err.Error(), "linear.weight has shape [10 64], the network needs [7 64]") {
		t.Errorf("error %v", err)
	}
}

func TestWeightsOfAnotherNetworkAreRefused(t *testing.T) {
	g, err := arch.ResNet18.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	_, err = initial.Pretrained(g, dict{golden.StateDict(network(t, 10))}, 1)
	if err == nil || !strings.Contains(err.Error(), "conv1.weight has shape") || !strings.Contains(err.Error(), "more tensors don't fit") {
		t.Errorf("error %v", err)
	}
}

type dict struct{ *weights.StateDict }

func (d dict) Has(name string) bool {
	_, ok := d.Find(name)
	return ok
}

func TestTheLastBiasIsSet(t *testing.T) {
	g := network(t, 2)
	dict := initial.Random(g, 1)
	if err := initial.SetBias(g, dict, []float32{3, -4}); err != nil {
		t.Fatal(err)
	}
	if got := values(t, dict, initial.Head(g)+"bias"); got[0] != 3 || got[1] != -4 {
		t.Errorf("the bias is %v", got)
	}
	if err := initial.SetBias(g, dict, []float32{1}); err == nil {
		t.Error("a bias of another length is taken")
	}
}
