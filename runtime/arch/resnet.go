package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// Squeeze-and-excitation networks (Hu et al., arXiv 1709.01507) on ResNeXt
// (Xie et al., arXiv 1611.05431), with pytorchcv's keys.
var (
	// SEResNeXt50 is also drawn from the keys of senet_se_resnext50_32x4d,
	// the other layout that weights of this name come in, where Config.Keys
	// has them.
	SEResNeXt50 = Arch{"seresnext50_32x4d", imageNetMean, imageNetStd, seResNeXt50}
)

func seResNeXt50(c Config) (*nn.Graph, error) {
	return cvResNet("seresnext50_32x4d", c, cvResNetConfig{blocks: [4]int{3, 4, 6, 3}, cardinality: 32, width: 4, gate: seGate})
}

// cvResNetConfig are the ways in which pytorchcv's residual networks of
// bottlenecks differ.
type cvResNetConfig struct {
	blocks             [4]int
	cardinality, width int // groups of the 3x3 convolution, and their width in the first stage
	gate               func(b *nn.Builder, x *nn.Node) *nn.Node
}

// cvResNet draws a residual network with pytorchcv's keys.
func cvResNet(name string, c Config, r cvResNetConfig) (*nn.Graph, error) {
	b := begin(name, c)
	f := b.Scope("features")
	x := convBlock(f, "init_block.conv", b.Input(), nn.Conv2d{Out: 64, Kernel: nn.Square(7), Stride: nn.Square(2), Pad: nn.Square(3)}, rectified)
	x = b.MaxPool(x, nn.Pool2d{Kernel: nn.Square(3), Stride: nn.Square(2), Pad: nn.Square(1)})
	f.Mark("init_block", x)
	for stage, blocks := range r.blocks {
		for i := range blocks {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = cvUnit(f.Scope("stage%d.unit%d", stage+1, i+1), x, 256<<stage, stride, r)
		}
	}
	return output(b, x, c)
}

// cvUnit is a bottleneck (1x1, grouped 3x3 with the stride, 1x1), a gate and
// the shortcut.
func cvUnit(b *nn.Builder, x *nn.Node, out, stride int, r cvResNetConfig) *nn.Node {
	shortcut := x
	if x.Shape.C != out || stride != 1 {
		shortcut = convBlock(b, "identity_conv", x, conv1x1(out, stride), affine)
	}
	// Width per group grows with the stage; 64 is the plain bottleneck's
	// width in the first.
	mid := r.cardinality * (out / 4 * r.width / 64)
	body := b.Scope("body")
	y := convBlock(body, "conv1", x, conv1x1(mid, 1), rectified)
	grouped := conv3x3(mid, stride)
	grouped.Groups = r.cardinality
	y = convBlock(body, "conv2", y, grouped, rectified)
	y = convBlock(body, "conv3", y, conv1x1(out, 1), affine)
	return b.Mark("", b.ReLU(b.Add(r.gate(b, y), shortcut)))
}

// seGate scales each channel by what two small layers make of the channels'
// means.
func seGate(b *nn.Builder, x *nn.Node) *nn.Node {
	return b.Mul(x, squeeze(b.Scope("se"), x, "conv1", "conv2"))
}

// squeeze computes the gate of squeeze-and-excitation: global mean, a layer of
// a sixteenth of the channels, a layer of all of them, sigmoid.
func squeeze(b *nn.Builder, x *nn.Node, first, second string) *nn.Node {
	const reduction = 16
	channels := x.Shape.C
	s := b.ReLU(b.Conv(first, b.GlobalAvgPool(x), nn.Conv2d{Out: channels / reduction, Kernel: nn.Square(1), Bias: true}))
	return b.Sigmoid(b.Conv(second, s, nn.Conv2d{Out: channels, Kernel: nn.Square(1), Bias: true}))
}
