package arch

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// InceptionResNetV2 is the network of Szegedy et al. (arXiv 1602.07261), with
// pytorchcv's keys.
var InceptionResNetV2 = Arch{"inceptionresnetv2", half, half, inceptionResNetV2}

func inceptionResNetV2(c Config) (*nn.Graph, error) {
	b := begin("inceptionresnetv2", c)
	f := b.Scope("features")
	x := inceptionStem(f.Scope("init_block"), b.Input())
	for i := range 10 {
		x = inceptionA(f.Scope("stage1.unit%d", i+1), x)
	}
	x = reductionA(f.Scope("stage2.unit1"), x)
	for i := range 20 {
		x = inceptionB(f.Scope("stage2.unit%d", i+2), x)
	}
	x = reductionB(f.Scope("stage3.unit1"), x)
	for i := range 10 {
		// The last unit adds its branches unscaled and has no ReLU.
		scale, last := 0.2, i == 9
		if last {
			scale = 1
		}
		x = inceptionC(f.Scope("stage3.unit%d", i+2), x, scale, activation(!last))
	}
	x = f.Mark("final_conv", inceptionConv(f, "final_conv", x, conv1x1(1536, 1)))
	return output(b, "features.final_pool", x, c)
}

// inceptionConv is a convolution, a batch norm with TensorFlow's epsilon and a ReLU.
func inceptionConv(b *nn.Builder, name string, x *nn.Node, conv nn.Conv2d) *nn.Node {
	return normedEps(b.Scope("%s", name), x, "conv", conv, "bn", nn.BatchNorm2d{Eps: 1e-3}, rectified)
}

// inceptionChain is a branch of several convolutions.
func inceptionChain(b *nn.Builder, branch int, x *nn.Node, convs ...nn.Conv2d) *nn.Node {
	s := b.Scope("branches.branch%d.conv_list", branch)
	for i, conv := range convs {
		x = inceptionConv(s, fmt.Sprintf("conv%d", i+1), x, conv)
	}
	return x
}

// inceptionSingle is a branch of one convolution.
func inceptionSingle(b *nn.Builder, branch int, x *nn.Node, conv nn.Conv2d) *nn.Node {
	return inceptionConv(b.Scope("branches.branch%d", branch), "conv", x, conv)
}

// oblong returns a convolution with an h x w window that keeps the size.
func oblong(out, h, w int) nn.Conv2d {
	return nn.Conv2d{Out: out, Window: nn.HW{H: h, W: w}, Pad: nn.HW{H: h / 2, W: w / 2}}
}

func inceptionStem(b *nn.Builder, x *nn.Node) *nn.Node {
	x = inceptionConv(b, "conv1", x, square(32, 3, 2, 0))
	x = inceptionConv(b, "conv2", x, square(32, 3, 1, 0))
	x = inceptionConv(b, "conv3", x, square(64, 3, 1, 1))
	x = b.MaxPool(x, pool3x3(2, 0))
	x = inceptionConv(b, "conv4", x, conv1x1(80, 1))
	x = inceptionConv(b, "conv5", x, square(192, 3, 1, 0))
	x = b.MaxPool(x, pool3x3(2, 0))
	s := b.Scope("block")
	return b.Mark("", b.Concat(
		inceptionSingle(s, 1, x, conv1x1(96, 1)),
		inceptionChain(s, 2, x, conv1x1(48, 1), square(64, 5, 1, 2)),
		inceptionChain(s, 3, x, conv1x1(64, 1), conv3x3(96, 1), conv3x3(96, 1)),
		inceptionSingle(s, 4, b.AvgPool(x, pool3x3(1, 1)), conv1x1(64, 1)),
	))
}

// inceptionAdd adds the branches, scaled and projected to the input's channels.
func inceptionAdd(b *nn.Builder, x *nn.Node, scale float64, a activation, branches ...*nn.Node) *nn.Node {
	conv := conv1x1(x.Shape.C, 1)
	conv.Bias = true
	x = b.AddScaled(x, b.Conv("conv", b.Concat(branches...), conv), scale)
	if a == rectified {
		x = b.ReLU(x)
	}
	return b.Mark("", x)
}

func inceptionA(b *nn.Builder, x *nn.Node) *nn.Node {
	return inceptionAdd(
		b, x, 0.17, rectified,
		inceptionSingle(b, 1, x, conv1x1(32, 1)),
		inceptionChain(b, 2, x, conv1x1(32, 1), conv3x3(32, 1)),
		inceptionChain(b, 3, x, conv1x1(32, 1), conv3x3(48, 1), conv3x3(64, 1)),
	)
}

func inceptionB(b *nn.Builder, x *nn.Node) *nn.Node {
	return inceptionAdd(
		b, x, 0.10, rectified,
		inceptionSingle(b, 1, x, conv1x1(192, 1)),
		inceptionChain(b, 2, x, conv1x1(128, 1), oblong(160, 1, 7), oblong(192, 7, 1)),
	)
}

func inceptionC(b *nn.Builder, x *nn.Node, scale float64, a activation) *nn.Node {
	return inceptionAdd(
		b, x, scale, a,
		inceptionSingle(b, 1, x, conv1x1(192, 1)),
		inceptionChain(b, 2, x, conv1x1(192, 1), oblong(224, 1, 3), oblong(256, 3, 1)),
	)
}

func reductionA(b *nn.Builder, x *nn.Node) *nn.Node {
	return b.Mark("", b.Concat(
		inceptionChain(b, 1, x, square(384, 3, 2, 0)),
		inceptionChain(b, 2, x, conv1x1(256, 1), conv3x3(256, 1), square(384, 3, 2, 0)),
		b.MaxPool(x, pool3x3(2, 0)),
	))
}

func reductionB(b *nn.Builder, x *nn.Node) *nn.Node {
	return b.Mark("", b.Concat(
		inceptionChain(b, 1, x, conv1x1(256, 1), square(384, 3, 2, 0)),
		inceptionChain(b, 2, x, conv1x1(256, 1), square(288, 3, 2, 0)),
		inceptionChain(b, 3, x, conv1x1(256, 1), conv3x3(288, 1), square(320, 3, 2, 0)),
		b.MaxPool(x, pool3x3(2, 0)),
	))
}
