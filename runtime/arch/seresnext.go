package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// Squeeze-and-excitation networks (Hu et al., arXiv 1709.01507) on ResNeXt (Xie et al.,
// arXiv 1611.05431), with pytorchcv's keys.
var (
	// SEResNeXt50 accepts weights in two layouts. If Config.Keys has the keys of
	// SENetSEResNeXt50, it draws that layout.
	SEResNeXt50     = Arch{"seresnext50_32x4d", imageNetMean, imageNetStd, seResNeXt50}
	SEResNeXt101    = Arch{"seresnext101_32x4d", imageNetMean, imageNetStd, seResNeXt101}
	SEResNeXt101x64 = Arch{"seresnext101_64x4d", imageNetMean, imageNetStd, seResNeXt101x64}
)

// SENetSEResNeXt50 is the same network in the layout of pretrainedmodels' SENet, with
// other keys and ceil mode in the first pooling.
var SENetSEResNeXt50 = Arch{"senet_se_resnext50_32x4d", imageNetMean, imageNetStd, senetSEResNeXt50}

// CBAMResNet50 is ResNet-50 with convolutional block attention (Woo et al.,
// arXiv 1807.06521), with pytorchcv's keys.
var CBAMResNet50 = Arch{"cbam_resnet50", imageNetMean, imageNetStd, cbamResNet50}

func seResNeXt50(c Config) (*nn.Graph, error) {
	if c.has("layer0.conv1.weight") {
		return senetSEResNeXt50(c)
	}
	return cvResNet("seresnext50_32x4d", c, [4]int{3, 4, 6, 3}, cvUnit{32, 4, seGate})
}

func seResNeXt101(c Config) (*nn.Graph, error) {
	return cvResNet("seresnext101_32x4d", c, [4]int{3, 4, 23, 3}, cvUnit{32, 4, seGate})
}

func seResNeXt101x64(c Config) (*nn.Graph, error) {
	return cvResNet("seresnext101_64x4d", c, [4]int{3, 4, 23, 3}, cvUnit{64, 4, seGate})
}

func cbamResNet50(c Config) (*nn.Graph, error) {
	return cvResNet("cbam_resnet50", c, [4]int{3, 4, 6, 3}, cvUnit{1, 64, cbamGate})
}

// cvUnit describes the residual units of one of pytorchcv's networks.
type cvUnit struct {
	groups int // of the 3x3 convolution
	width  int // of a group, in the first stage
	gate   func(b *nn.Builder, x *nn.Node) *nn.Node
}

// cvResNet draws a residual network with pytorchcv's keys.
func cvResNet(name string, c Config, blocks [4]int, u cvUnit) (*nn.Graph, error) {
	b := begin(name, c)
	f := b.Scope("features")
	x := convBlock(f, "init_block.conv", b.Input(), square(64, 7, 2, 3), rectified)
	x = f.Mark("init_block", f.MaxPool(x, pool3x3(2, 1)))
	for stage, n := range blocks {
		for i := range n {
			x = u.draw(f.Scope("stage%d.unit%d", stage+1, i+1), x, 256<<stage, strideOf(stage, i))
		}
	}
	return output(b, "features.final_pool", x, c)
}

// draw draws a bottleneck, a gate and the shortcut.
func (u cvUnit) draw(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	identity := x
	if x.Shape.C != out || stride != 1 {
		identity = convBlock(b, "identity_conv", x, conv1x1(out, stride), affine)
	}
	mid := groupedWidth(out, u.groups, u.width)
	body := b.Scope("body")
	y := convBlock(body, "conv1", x, conv1x1(mid, 1), rectified)
	y = convBlock(body, "conv2", y, grouped(conv3x3(mid, stride), u.groups), rectified)
	y = convBlock(body, "conv3", y, conv1x1(out, 1), affine)
	return b.Mark("", b.ReLU(b.Add(u.gate(b, y), identity)))
}

// groupedWidth returns the channels in the middle of a bottleneck: groups times a
// group's width, which grows with the stage. width is the first stage's, where out is
// 4*64.
func groupedWidth(out, groups, width int) int { return groups * (out / 4 * width / 64) }

// seGate scales each channel by a gate computed from the means of all channels.
func seGate(b *nn.Builder, x *nn.Node) *nn.Node {
	return b.Mul(x, squeeze(b.Scope("se"), x, "conv1", "conv2", x.Shape.C/reduction, (*nn.Builder).ReLU))
}

// reduction is the factor by which the middle layer of these gates is narrower.
const reduction = 16

// function adds an activation.
type function func(b *nn.Builder, x *nn.Node) *nn.Node

// squeeze is the gate of squeeze-and-excitation: means, two layers and a sigmoid. The
// first layer has so many channels and an activation.
func squeeze(b *nn.Builder, x *nn.Node, first, second string, channels int, act function) *nn.Node {
	layer := func(name string, x *nn.Node, out int) *nn.Node {
		return b.Conv(name, x, nn.Conv2d{Out: out, Window: nn.Square(1), Bias: true})
	}
	s := act(b, layer(first, b.GlobalAvgPool(x), channels))
	return b.Sigmoid(layer(second, s, x.Shape.C))
}

// cbamGate scales each channel by a gate computed from the channels' means and maxima,
// then each pixel by one computed from the pixel's.
func cbamGate(b *nn.Builder, x *nn.Node) *nn.Node {
	b = b.Scope("cbam")
	mlp := b.Scope("ch_gate.mlp")
	hidden := mlp.Linear("fc1", b.GlobalAvgPool(x), x.Shape.C/reduction)
	mean := mlp.Linear("fc2", b.ReLU(hidden), x.Shape.C)
	peak := b.Again(mean, b.ReLU(b.Again(hidden, b.GlobalMaxPool(x))))
	x = b.Mul(x, b.Sigmoid(b.Add(mean, peak)))

	pixels := b.Concat(b.ChannelMax(x), b.ChannelMean(x))
	return b.Mul(x, b.Sigmoid(convBlock(b, "sp_gate.conv", pixels, square(1, 7, 1, 3), affine)))
}

func senetSEResNeXt50(c Config) (*nn.Graph, error) {
	b := begin("senet_se_resnext50_32x4d", c)
	x := normed(b, b.Input(), "layer0.conv1", square(64, 7, 2, 3), "layer0.bn1", rectified)
	x = b.Mark("layer0", b.MaxPool(x, nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(2), CeilMode: true}))
	x = stages(b, x, [4]int{3, 4, 6, 3}, 256, senetBlock)
	return linear(b, "last_linear", b.Mark("avg_pool", b.GlobalAvgPool(x)), c)
}

func senetBlock(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	const groups, width = 32, 4
	y := bottleneck(b, x, groupedWidth(out, groups, width), groups, out, stride)
	y = b.Mul(y, squeeze(b.Scope("se_module"), y, "fc1", "fc2", out/reduction, (*nn.Builder).ReLU))
	return b.ReLU(b.Add(y, shortcut(b, x, out, stride)))
}
