package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// Residual networks (He et al., arXiv 1512.03385) with torchvision's keys. The 3x3
// convolution of a bottleneck has the stride.
var (
	ResNet18  = Arch{"resnet18", imageNetMean, imageNetStd, resNet18}
	ResNet34  = Arch{"resnet34", imageNetMean, imageNetStd, resNet34}
	ResNet50  = Arch{"resnet50", imageNetMean, imageNetStd, resNet50}
	ResNet101 = Arch{"resnet101", imageNetMean, imageNetStd, resNet101}
)

// ResNet50D has three convolutions at the begin, and shortcuts with a mean before the
// projection (He et al., arXiv 1812.01187), with timm's keys.
var ResNet50D = Arch{"resnet50d", imageNetMean, imageNetStd, resNet50D}

func resNet18(c Config) (*nn.Graph, error) {
	return resNet("resnet18", c, [4]int{2, 2, 2, 2}, 64, basicBlock)
}

func resNet34(c Config) (*nn.Graph, error) {
	return resNet("resnet34", c, [4]int{3, 4, 6, 3}, 64, basicBlock)
}

func resNet50(c Config) (*nn.Graph, error) {
	return resNet("resnet50", c, [4]int{3, 4, 6, 3}, 256, plainBottleneck)
}

func resNet101(c Config) (*nn.Graph, error) {
	return resNet("resnet101", c, [4]int{3, 4, 23, 3}, 256, plainBottleneck)
}

func resNet50D(c Config) (*nn.Graph, error) {
	b := begin("resnet50d", c)
	x := normed(b, b.Input(), "conv1.0", conv3x3(32, 2), "conv1.1", rectified)
	x = normed(b, x, "conv1.3", conv3x3(32, 1), "conv1.4", rectified)
	x = normed(b, x, "conv1.6", conv3x3(64, 1), "bn1", rectified)
	x = b.MaxPool(x, pool3x3(2, 1))
	x = stages(b, x, [4]int{3, 4, 6, 3}, 256, meanBottleneck)
	return linear(b, "fc", b.Mark("global_pool", b.GlobalAvgPool(x)), c)
}

// block draws one residual block with out output channels.
type block func(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node

// resNet draws a network whose first stage has width channels.
func resNet(name string, c Config, blocks [4]int, width int, draw block) (*nn.Graph, error) {
	b := begin(name, c)
	x := normed(b, b.Input(), "conv1", square(64, 7, 2, 3), "bn1", rectified)
	x = b.MaxPool(x, pool3x3(2, 1))
	x = stages(b, x, blocks, width, draw)
	return linear(b, "fc", b.Mark("avgpool", b.GlobalAvgPool(x)), c)
}

// stages draws layer1 to layer4. Each but the first halves the size and doubles the
// channels.
func stages(b *nn.Builder, x *nn.Node, blocks [4]int, width int, draw block) *nn.Node {
	for stage, n := range blocks {
		for i := range n {
			x = draw(b.Scope("layer%d.%d", stage+1, i), x, width<<stage, strideOf(stage, i))
		}
		b.Scope("layer%d", stage+1).Mark("", x)
	}
	return x
}

// strideOf returns 2 for the first block of every stage but the first, else 1.
func strideOf(stage, i int) int {
	if stage > 0 && i == 0 {
		return 2
	}
	return 1
}

// shortcut is the input, projected to the block's shape if that differs.
func shortcut(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	if x.Shape.C == out && stride == 1 {
		return x
	}
	return normed(b, x, "downsample.0", conv1x1(out, stride), "downsample.1", affine)
}

func basicBlock(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	y := normed(b, x, "conv1", conv3x3(out, stride), "bn1", rectified)
	y = normed(b, y, "conv2", conv3x3(out, 1), "bn2", affine)
	return b.ReLU(b.Add(y, shortcut(b, x, out, stride)))
}

func plainBottleneck(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	y := bottleneck(b, x, out/4, 1, out, stride)
	return b.ReLU(b.Add(y, shortcut(b, x, out, stride)))
}

// meanBottleneck is a bottleneck with the shortcut of ResNet-D.
func meanBottleneck(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	y := bottleneck(b, x, out/4, 1, out, stride)
	if stride != 1 {
		x = b.AvgPool(x, nn.Pool2d{Window: nn.Square(stride), CeilMode: true})
	}
	if x.Shape.C != out {
		x = normed(b, x, "downsample.1", conv1x1(out, 1), "downsample.2", affine)
	}
	return b.ReLU(b.Add(y, x))
}

// bottleneck is a 1x1 convolution to mid channels, a grouped 3x3 convolution with the
// stride, and a 1x1 convolution to out channels.
func bottleneck(b *nn.Builder, x *nn.Node, mid, groups, out, stride int) *nn.Node {
	x = normed(b, x, "conv1", conv1x1(mid, 1), "bn1", rectified)
	x = normed(b, x, "conv2", grouped(conv3x3(mid, stride), groups), "bn2", rectified)
	return normed(b, x, "conv3", conv1x1(out, 1), "bn3", affine)
}
