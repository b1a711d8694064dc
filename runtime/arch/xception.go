package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// Xception is Chollet's network of separable convolutions (arXiv 1610.02357),
// with pytorchcv's keys.
var Xception = Arch{"xception", half, half, xception}

func xception(c Config) (*nn.Graph, error) {
	b := begin("xception", c)
	f := b.Scope("features")
	x := convBlock(f, "init_block.conv1", b.Input(), square(32, 3, 2, 0), rectified)
	x = f.Mark("init_block", convBlock(f, "init_block.conv2", x, square(64, 3, 1, 0), rectified))

	// The entry flow; its first unit begins without a rectifier.
	x = xceptionUnit(f.Scope("stage1.unit1"), x, 2, affine, 128, 128)
	x = xceptionUnit(f.Scope("stage2.unit1"), x, 2, rectified, 256, 256)
	x = xceptionUnit(f.Scope("stage3.unit1"), x, 2, rectified, 728, 728)
	// The middle flow.
	for i := range 8 {
		x = xceptionUnit(f.Scope("stage3.unit%d", i+2), x, 1, rectified, 728, 728, 728)
	}
	// The exit flow.
	x = xceptionUnit(f.Scope("stage4.unit1"), x, 2, rectified, 728, 1024)
	x = xceptionBlock(f.Scope("final_block.conv1"), x, affine, 1536)
	x = f.ReLU(xceptionBlock(f.Scope("final_block.conv2"), x, rectified, 2048))
	return output(b, "features.final_block", x, c)
}

// xceptionUnit is a chain of separable convolutions, a pooling if there is a stride, and
// the shortcut. channels lists the output channels of each
// convolution.
func xceptionUnit(b *nn.Builder, x *nn.Node, stride int, first activation, channels ...int) *nn.Node {
	identity := x
	if stride != 1 {
		identity = convBlock(b, "identity_conv", x, conv1x1(channels[len(channels)-1], stride), affine)
	}
	for i, out := range channels {
		x = xceptionBlock(b.Scope("body.block%d", i+1), x, first, out)
		first = rectified
	}
	if stride != 1 {
		x = b.MaxPool(x, pool3x3(stride, 1))
	}
	return b.Mark("", b.Add(x, identity))
}

// xceptionBlock is an optional ReLU, a separable convolution and a batch norm.
func xceptionBlock(b *nn.Builder, x *nn.Node, before activation, out int) *nn.Node {
	if before == rectified {
		x = b.ReLU(x)
	}
	return b.BatchNorm("bn", separable(b, "conv", x, out, 3, 1), nn.BatchNorm2d{})
}
