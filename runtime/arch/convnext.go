package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// ConvNeXts (Liu et al., arXiv 2201.03545) with timm's keys.
var (
	ConvNeXtTiny  = Arch{"convnext_tiny", imageNetMean, imageNetStd, convNeXtTiny}
	ConvNeXtSmall = Arch{"convnext_small", imageNetMean, imageNetStd, convNeXtSmall}
)

func convNeXtTiny(c Config) (*nn.Graph, error) {
	return convNeXt("convnext_tiny", c, [4]int{3, 3, 9, 3}, 96)
}

func convNeXtSmall(c Config) (*nn.Graph, error) {
	return convNeXt("convnext_small", c, [4]int{3, 3, 27, 3}, 96)
}

// convNeXtEps is the epsilon of all layer norms.
const convNeXtEps = 1e-6

// convNeXt draws a network whose first stage has width channels.
func convNeXt(name string, c Config, blocks [4]int, width int) (*nn.Graph, error) {
	b := begin(name, c)
	x := b.Conv("stem.0", b.Input(), biased(square(width, 4, 4, 0)))
	x = b.Mark("stem", b.LayerNorm("stem.1", x, convNeXtEps))
	for stage, n := range blocks {
		s := b.Scope("stages.%d", stage)
		if stage > 0 {
			x = s.LayerNorm("downsample.0", x, convNeXtEps)
			x = s.Conv("downsample.1", x, biased(square(width<<stage, 2, 2, 0)))
		}
		for i := range n {
			x = convNeXtBlock(s.Scope("blocks.%d", i), x)
		}
		s.Mark("", x)
	}
	x = b.LayerNorm("head.norm", b.GlobalAvgPool(x), convNeXtEps)
	return linear(b, "head.fc", x, c)
}

// convNeXtBlock is a depthwise convolution, and two layers on the channels of each pixel.
func convNeXtBlock(b *nn.Builder, x *nn.Node) *nn.Node {
	channels := x.Shape.C
	y := b.Conv("conv_dw", x, biased(grouped(square(channels, 7, 1, 3), channels)))
	y = b.PixelLinear("mlp.fc1", b.LayerNorm("norm", y, convNeXtEps), 4*channels)
	y = b.PixelLinear("mlp.fc2", b.Activate(y, nn.Activation{Kind: nn.GELU}), channels)
	return b.Add(b.LayerScale("", y), x)
}

// biased returns c with a bias.
func biased(c nn.Conv2d) nn.Conv2d {
	c.Bias = true
	return c
}
