package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// The residual networks for 32x32 images of He et al., "Deep residual learning for
// image recognition" (arXiv 1512.03385), section 4.2. Their shortcuts have no
// parameters (option A). Keys equal those of akamaster's
// pytorch_resnet_cifar10.
var (
	CIFARResNet20 = Arch{"cifar_resnet20", imageNetMean, imageNetStd, cifarResNet20}
	CIFARResNet32 = Arch{"cifar_resnet32", imageNetMean, imageNetStd, cifarResNet32}
	CIFARResNet44 = Arch{"cifar_resnet44", imageNetMean, imageNetStd, cifarResNet44}
	CIFARResNet56 = Arch{"cifar_resnet56", imageNetMean, imageNetStd, cifarResNet56}
)

func cifarResNet20(c Config) (*nn.Graph, error) { return cifarResNet("cifar_resnet20", 3, c) }
func cifarResNet32(c Config) (*nn.Graph, error) { return cifarResNet("cifar_resnet32", 5, c) }
func cifarResNet44(c Config) (*nn.Graph, error) { return cifarResNet("cifar_resnet44", 7, c) }
func cifarResNet56(c Config) (*nn.Graph, error) { return cifarResNet("cifar_resnet56", 9, c) }

// cifarResNet draws 6*blocks+2 layers: three stages with 16, 32 and 64 channels, each
// of blocks with two 3x3 convolutions.
func cifarResNet(name string, blocks int, c Config) (*nn.Graph, error) {
	b := begin(name, c)
	x := normed(b, b.Input(), "conv1", conv3x3(16, 1), "bn1", rectified)
	for stage := range 3 {
		for i := range blocks {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = cifarBlock(b.Scope("layer%d.%d", stage+1, i), x, 16<<stage, stride)
		}
	}
	return linear(b, "linear", b.GlobalAvgPool(x), c)
}

func cifarBlock(b *nn.Builder, x *nn.Node, out, stride int) *nn.Node {
	y := normed(b, x, "conv1", conv3x3(out, stride), "bn1", rectified)
	y = normed(b, y, "conv2", conv3x3(out, 1), "bn2", affine)
	if stride != 1 {
		added := out - x.Shape.C
		x = b.PadChannels(b.Subsample(x, nn.Square(stride)), added/2, added-added/2)
	}
	return b.Mark("", b.ReLU(b.Add(y, x)))
}
