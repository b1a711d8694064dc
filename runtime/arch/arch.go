// Package arch holds the network architectures, drawn with runtime/nn.
//
//	a, err := arch.Find(arch.All(), "seresnext50_32x4d")
//	g, err := a.Build(arch.Config{InputSize: 320, Classes: 1103})
//	err = arch.Check(g, file.Infos())
//
// The parameters have the names that the architectures' usual PyTorch
// implementations give them, so that their weights load as they are: pytorchcv
// for most, pretrainedmodels for senet_se_resnext50_32x4d, torchvision for
// resnet18/34/50/101, akamaster's pytorch_resnet_cifar10 for cifar_resnet*.
//
// Any square input that leaves at least a pixel before every window works, and
// any number of classes. Every architecture ends in a global average pool and
// one linear layer of logits.
//
// Each architecture is one variable; a program that names some of them holds
// no code of the others.
package arch

import (
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// Arch is one architecture.
type Arch struct {
	// Name as configs and weight files spell it, e.g. "seresnext50_32x4d".
	Name string
	// Mean and Std normalise the input: (pixel/255 - Mean) / Std, red, green,
	// blue.
	Mean, Std [3]float32
	// Build draws the network.
	Build func(Config) (*nn.Graph, error)
}

// Config is what an architecture leaves open.
type Config struct {
	// InputSize is the height and width of the input, in pixels.
	InputSize int
	// Classes is the number of logits.
	Classes int
	// Dropout is the probability of dropping a feature before the last layer
	// in training, 0 for none.
	Dropout float64
	// Keys, where not nil, tells whether the weights have a tensor of that
	// name. Some layers' names depend on how the weights were trained: with
	// Keys the weights decide, without it Dropout does.
	Keys func(name string) bool
}

// has reports whether the weights are known to have a tensor of that name.
func (c Config) has(name string) bool { return c.Keys != nil && c.Keys(name) }

// imageNetMean and imageNetStd are the statistics of ImageNet's training
// images that torchvision made customary; half is used by the networks that
// were first trained in TensorFlow, which scale pixels to [-1, 1].
var (
	imageNetMean = [3]float32{0.485, 0.456, 0.406}
	imageNetStd  = [3]float32{0.229, 0.224, 0.225}
	half         = [3]float32{0.5, 0.5, 0.5}
)

// Variable is an architecture and the name of its Go variable.
type Variable struct {
	Name string // such as "CIFARResNet20"
	Arch Arch
}

// Variables lists every architecture with the name of its Go variable, for code
// generators.
func Variables() []Variable {
	return []Variable{
		{"CIFARResNet20", CIFARResNet20},
		{"CIFARResNet32", CIFARResNet32},
		{"CIFARResNet44", CIFARResNet44},
		{"CIFARResNet56", CIFARResNet56},
		{"ResNet18", ResNet18},
		{"ResNet34", ResNet34},
		{"ResNet50", ResNet50},
		{"ResNet101", ResNet101},
		{"SEResNeXt50", SEResNeXt50},
		{"SEResNeXt101", SEResNeXt101},
		{"SEResNeXt101x64", SEResNeXt101x64},
		{"SENetSEResNeXt50", SENetSEResNeXt50},
		{"CBAMResNet50", CBAMResNet50},
		{"PNASNet5Large", PNASNet5Large},
		{"Xception", Xception},
		{"InceptionResNetV2", InceptionResNetV2},
	}
}

// All lists every architecture.
func All() []Arch {
	var all []Arch
	for _, v := range Variables() {
		all = append(all, v.Arch)
	}
	return all
}

// Find returns the architecture of that name.
func Find(archs []Arch, name string) (Arch, error) {
	names := make([]string, len(archs))
	for i, a := range archs {
		if a.Name == name {
			return a, nil
		}
		names[i] = a.Name
	}
	return Arch{}, fmt.Errorf("unknown architecture %q (known: %s)", name, strings.Join(names, ", "))
}

// begin starts a graph on a square RGB image.
func begin(name string, c Config) *nn.Builder {
	return nn.NewBuilder(name, nn.Shape{C: 3, H: c.InputSize, W: c.InputSize})
}

// output ends a graph of pytorchcv's layout: global average pool, a module
// called pool, and a linear layer called output, or output.1 where dropout
// came to stand before it.
func output(b *nn.Builder, pool string, x *nn.Node, c Config) (*nn.Graph, error) {
	x = b.Mark(pool, b.GlobalAvgPool(x))
	name := "output"
	if c.has("output.1.weight") || c.Dropout > 0 && !c.has("output.weight") {
		name = "output.1"
	}
	return linear(b, name, x, c)
}

// linear ends a graph with dropout, where there is any, and the logits.
func linear(b *nn.Builder, name string, x *nn.Node, c Config) (*nn.Graph, error) {
	if c.Classes < 1 {
		return nil, fmt.Errorf("drawing a network of %d classes: at least one is needed", c.Classes)
	}
	if c.Dropout < 0 || c.Dropout >= 1 {
		return nil, fmt.Errorf("drawing a network with dropout %v: it must be at least 0 and below 1", c.Dropout)
	}
	if c.Dropout > 0 {
		x = b.Dropout(x, c.Dropout)
	}
	x = b.Linear(name, x, c.Classes)
	module, _, _ := strings.Cut(name, ".")
	return b.Graph(b.Mark(module, x))
}
