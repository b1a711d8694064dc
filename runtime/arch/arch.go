// Package arch draws network architectures as graphs of runtime/nn.
//
//	a, err := arch.Find(arch.All(), "seresnext50_32x4d")
//	g, err := a.Build(arch.Config{InputSize: 320, Classes: 1103})
//	err = arch.Check(g, file.Infos())
//
// Parameters have the names of the architectures' usual PyTorch implementations, so
// that their weights load without renaming. These are pretrainedmodels for
// senet_se_resnext50_32x4d, torchvision for resnet18/34/50/101, akamaster's
// pytorch_resnet_cifar10 for cifar_resnet*, timm for EfficientNets,
// ConvNeXts, regnety_032 and resnet50d, and pytorchcv for all others.
//
// An architecture accepts any number of classes, and any square input that leaves at
// least one pixel before every window; PNASNet5Large accepts fewer sizes. It ends in a
// global average pool and one linear layer, whose output is the logits.
//
// Each architecture is one variable. A program that names some of them contains no
// code of the others.
package arch

import (
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// Arch is one architecture.
type Arch struct {
	// Name is the name in configs and weight files, such as "seresnext50_32x4d".
	Name string
	// Mean and Std normalize the input as (pixel/255 - Mean) / Std, in the order
	// red, green, blue.
	Mean, Std [3]float32
	// Build draws the network. It returns an error if the config is not valid.
	Build func(Config) (*nn.Graph, error)
}

// Config holds what an architecture leaves open.
type Config struct {
	// InputSize is the height and width of the input, in pixels.
	InputSize int
	// Classes is the number of logits.
	Classes int
	// Dropout is the probability of dropping a feature before the last layer in
	// training. 0 means no dropout layer.
	Dropout float64
	// Keys reports whether the weights have a tensor of this name. The names of
	// some layers depend on how the weights were trained. Keys decides these
	// names; if it is nil, Dropout does.
	Keys func(name string) bool
}

// has reports whether Keys is set and knows the name.
func (c Config) has(name string) bool { return c.Keys != nil && c.Keys(name) }

// imageNetMean and imageNetStd are the statistics of ImageNet's training images, as
// torchvision uses them. half scales pixels to [-1, 1], as networks from TensorFlow
// expect.
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

// Variables returns every architecture with the name of its Go variable, for code
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
		{"EfficientNetB0", EfficientNetB0},
		{"EfficientNetB1", EfficientNetB1},
		{"EfficientNetB2", EfficientNetB2},
		{"EfficientNetB3", EfficientNetB3},
		{"EfficientNetB4", EfficientNetB4},
		{"EfficientNetB5", EfficientNetB5},
		{"TFEfficientNetB0", TFEfficientNetB0},
		{"TFEfficientNetB1", TFEfficientNetB1},
		{"TFEfficientNetB2", TFEfficientNetB2},
		{"TFEfficientNetB3", TFEfficientNetB3},
		{"TFEfficientNetB4", TFEfficientNetB4},
		{"TFEfficientNetB5", TFEfficientNetB5},
		{"TFEfficientNetV2S", TFEfficientNetV2S},
		{"EfficientNetV2RWS", EfficientNetV2RWS},
		{"ConvNeXtTiny", ConvNeXtTiny},
		{"ConvNeXtSmall", ConvNeXtSmall},
		{"RegNetY032", RegNetY032},
		{"ResNet50D", ResNet50D},
	}
}

// All returns every architecture.
func All() []Arch {
	var all []Arch
	for _, v := range Variables() {
		all = append(all, v.Arch)
	}
	return all
}

// Find returns the architecture with this name. If there is none, the error lists the
// known names.
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

// begin returns a builder for a square RGB image.
func begin(name string, c Config) *nn.Builder {
	return nn.NewBuilder(name, nn.Shape{C: 3, H: c.InputSize, W: c.InputSize})
}

// output ends a graph in pytorchcv's layout: a global average pool in a module called
// pool, and a linear layer. The layer is called output, or output.1 behind dropout.
func output(b *nn.Builder, pool string, x *nn.Node, c Config) (*nn.Graph, error) {
	x = b.Mark(pool, b.GlobalAvgPool(x))
	name := "output"
	if c.has("output.1.weight") || c.Dropout > 0 && !c.has("output.weight") {
		name = "output.1"
	}
	return linear(b, name, x, c)
}

// linear ends a graph with dropout, if there is any, and the logits.
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
