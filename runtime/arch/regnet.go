package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// RegNetY032 is RegNetY-3.2GF (Radosavovic et al., arXiv 2003.13678) with timm's keys.
var RegNetY032 = Arch{"regnety_032", imageNetMean, imageNetStd, regNetY032}

func regNetY032(c Config) (*nn.Graph, error) {
	return regNetY("regnety_032", c, 24, []regNetStage{{2, 72}, {5, 216}, {13, 576}, {1, 1512}})
}

// regNetStage has blocks with so many channels. The first halves the size.
type regNetStage struct{ blocks, channels int }

// regNetY draws a network whose 3x3 convolutions have groups of so many channels.
func regNetY(name string, c Config, group int, stages []regNetStage) (*nn.Graph, error) {
	b := begin(name, c)
	x := b.Mark("stem", convBlock(b, "stem", b.Input(), conv3x3(32, 2), rectified))
	for i, s := range stages {
		for j := range s.blocks {
			stride := 1
			if j == 0 {
				stride = 2
			}
			x = regNetBlock(b.Scope("s%d.b%d", i+1, j+1), x, s.channels, group, stride)
		}
		b.Scope("s%d", i+1).Mark("", x)
	}
	return linear(b, "head.fc", b.GlobalAvgPool(x), c)
}

// regNetBlock is a bottleneck that does not narrow, with a gate behind the 3x3
// convolution.
func regNetBlock(b *nn.Builder, x *nn.Node, out, group, stride int) *nn.Node {
	identity := x
	if x.Shape.C != out || stride != 1 {
		identity = convBlock(b, "downsample", x, conv1x1(out, stride), affine)
	}
	y := convBlock(b, "conv1", x, conv1x1(out, 1), rectified)
	y = convBlock(b, "conv2", y, grouped(conv3x3(out, stride), out/group), rectified)
	y = b.Mul(y, squeeze(b.Scope("se"), y, "fc1", "fc2", x.Shape.C/4, (*nn.Builder).ReLU))
	y = convBlock(b, "conv3", y, conv1x1(out, 1), affine)
	return b.ReLU(b.Add(y, identity))
}
