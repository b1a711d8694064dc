package arch

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// EfficientNets (Tan and Le, arXiv 1905.11946) with timm's keys. Those of the TensorFlow
// implementation have the same keys, but pad like TensorFlow and have batch norms with a
// larger epsilon.
var (
	EfficientNetB0 = Arch{"efficientnet_b0", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("efficientnet_b0", c, 1, 1, plain) }}
	EfficientNetB1 = Arch{"efficientnet_b1", half, half, func(c Config) (*nn.Graph, error) { return efficientNet("efficientnet_b1", c, 1, 1.1, plain) }}
	EfficientNetB2 = Arch{"efficientnet_b2", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("efficientnet_b2", c, 1.1, 1.2, plain) }}
	EfficientNetB3 = Arch{"efficientnet_b3", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("efficientnet_b3", c, 1.2, 1.4, plain) }}
	EfficientNetB4 = Arch{"efficientnet_b4", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("efficientnet_b4", c, 1.4, 1.8, plain) }}
	EfficientNetB5 = Arch{"efficientnet_b5", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("efficientnet_b5", c, 1.6, 2.2, plain) }}

	TFEfficientNetB0 = Arch{"tf_efficientnet_b0", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("tf_efficientnet_b0", c, 1, 1, tensorFlow) }}
	TFEfficientNetB1 = Arch{"tf_efficientnet_b1", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("tf_efficientnet_b1", c, 1, 1.1, tensorFlow) }}
	TFEfficientNetB2 = Arch{"tf_efficientnet_b2", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("tf_efficientnet_b2", c, 1.1, 1.2, tensorFlow) }}
	TFEfficientNetB3 = Arch{"tf_efficientnet_b3", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("tf_efficientnet_b3", c, 1.2, 1.4, tensorFlow) }}
	TFEfficientNetB4 = Arch{"tf_efficientnet_b4", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("tf_efficientnet_b4", c, 1.4, 1.8, tensorFlow) }}
	TFEfficientNetB5 = Arch{"tf_efficientnet_b5", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) { return efficientNet("tf_efficientnet_b5", c, 1.6, 2.2, tensorFlow) }}
)

// EfficientNetV2-S (Tan and Le, arXiv 2104.00298) with timm's keys: Google's, and timm's
// earlier drawing of the paper's figure.
var (
	TFEfficientNetV2S = Arch{"tf_efficientnetv2_s", half, half, func(c Config) (*nn.Graph, error) {
		return mobile("tf_efficientnetv2_s", c, tensorFlow, 24, v2Stages, 1280)
	}}
	EfficientNetV2RWS = Arch{"efficientnetv2_rw_s", imageNetMean, imageNetStd, func(c Config) (*nn.Graph, error) {
		return mobile("efficientnetv2_rw_s", c, plain, 24, v2RWStages, 1792)
	}}
)

// dialect is the framework whose padding and batch norms a mobile network has.
type dialect bool

const (
	plain      dialect = false // padding of half a window, epsilon 1e-5
	tensorFlow dialect = true  // padding "same", epsilon 1e-3
)

// mobileStage is a row of mobile blocks. The first has the stride.
type mobileStage struct {
	draw     func(m mobileBlock, b *nn.Builder, x *nn.Node) *nn.Node
	blocks   int
	window   int
	stride   int
	widening int // of the inner layers, relative to the block's input
	out      int
	gated    bool
}

// b0Stages is table 1 of arXiv 1905.11946.
var b0Stages = []mobileStage{
	{mobileBlock.depthwise, 1, 3, 1, 1, 16, true},
	{mobileBlock.inverted, 2, 3, 2, 6, 24, true},
	{mobileBlock.inverted, 2, 5, 2, 6, 40, true},
	{mobileBlock.inverted, 3, 3, 2, 6, 80, true},
	{mobileBlock.inverted, 3, 5, 1, 6, 112, true},
	{mobileBlock.inverted, 4, 5, 2, 6, 192, true},
	{mobileBlock.inverted, 1, 3, 1, 6, 320, true},
}

// v2Stages is table 4 of arXiv 2104.00298, and v2RWStages its variant in timm.
var (
	v2Stages = []mobileStage{
		{mobileBlock.single, 2, 3, 1, 1, 24, false},
		{mobileBlock.fused, 4, 3, 2, 4, 48, false},
		{mobileBlock.fused, 4, 3, 2, 4, 64, false},
		{mobileBlock.inverted, 6, 3, 2, 4, 128, true},
		{mobileBlock.inverted, 9, 3, 1, 6, 160, true},
		{mobileBlock.inverted, 15, 3, 2, 6, 256, true},
	}
	v2RWStages = []mobileStage{
		{mobileBlock.fused, 2, 3, 1, 1, 24, false},
		{mobileBlock.fused, 4, 3, 2, 4, 48, false},
		{mobileBlock.fused, 4, 3, 2, 4, 64, false},
		{mobileBlock.inverted, 6, 3, 2, 4, 128, true},
		{mobileBlock.inverted, 9, 3, 1, 6, 160, true},
		{mobileBlock.inverted, 15, 3, 2, 6, 272, true},
	}
)

// efficientNet draws B0, scaled in width and depth.
func efficientNet(name string, c Config, width, depth float64, d dialect) (*nn.Graph, error) {
	var stages []mobileStage
	for _, s := range b0Stages {
		s.blocks = int(math.Ceil(float64(s.blocks) * depth))
		s.out = scaledWidth(s.out, width)
		stages = append(stages, s)
	}
	return mobile(name, c, d, scaledWidth(32, width), stages, scaledWidth(1280, width))
}

// scaledWidth returns channels*factor, rounded to a multiple of 8 that is at least 90 % of
// it.
func scaledWidth(channels int, factor float64) int {
	exact := float64(channels) * factor
	rounded := max(8, int(exact+4)/8*8)
	if float64(rounded) < 0.9*exact {
		rounded += 8
	}
	return rounded
}

// mobile draws a network of mobile blocks. stem and features are the channels of its first
// and last convolution.
func mobile(name string, c Config, d dialect, stem int, stages []mobileStage, features int) (*nn.Graph, error) {
	b := begin(name, c)
	x := d.normed(b, b.Input(), "conv_stem", nn.Conv2d{Out: stem, Window: nn.Square(3), Stride: nn.Square(2)}, "bn1", swish)
	for i, s := range stages {
		for j := range s.blocks {
			m := mobileBlock{s, d}
			if j > 0 {
				m.stride = 1
			}
			x = m.residual(b.Scope("blocks.%d.%d", i, j), x)
		}
		b.Scope("blocks.%d", i).Mark("", x)
	}
	x = d.normed(b, x, "conv_head", conv1x1(features, 1), "bn2", swish)
	return linear(b, "classifier", b.Mark("global_pool", b.GlobalAvgPool(x)), c)
}

// normed is a padded convolution, a batch norm and perhaps an activation.
func (d dialect) normed(b *nn.Builder, x *nn.Node, conv string, attrs nn.Conv2d, bn string, act function) *nn.Node {
	var norm nn.BatchNorm2d
	attrs.Pad = nn.Square((attrs.Window.H - 1) / 2)
	if d == tensorFlow {
		norm.Eps = 1e-3
		x, attrs.Pad = samePadding(b, x, attrs)
	}
	x = b.BatchNorm(bn, b.Conv(conv, x, attrs), norm)
	if act != nil {
		x = act(b, x)
	}
	return x
}

// samePadding returns the padding of TensorFlow's "same" for a square window. If it is not
// symmetric, samePadding adds it to x, and returns none.
func samePadding(b *nn.Builder, x *nn.Node, c nn.Conv2d) (*nn.Node, nn.HW) {
	total := func(pixels int) int {
		return max(0, (pixels-1)/c.Stride.H*c.Stride.H+c.Window.H-pixels)
	}
	h, w := total(x.Shape.H), total(x.Shape.W)
	if h%2 == 0 && w%2 == 0 {
		return x, nn.HW{H: h / 2, W: w / 2}
	}
	return b.Pad(x, nn.Border{Top: h / 2, Bottom: h - h/2, Left: w / 2, Right: w - w/2}), nn.HW{}
}

// swish is the activation x*sigmoid(x), also known as SiLU.
func swish(b *nn.Builder, x *nn.Node) *nn.Node {
	return b.Activate(x, nn.Activation{Kind: nn.Swish, A: 1})
}

// mobileBlock draws one block of a stage.
type mobileBlock struct {
	mobileStage
	dialect
}

// residual draws the block, and adds its input if that has the same shape.
func (m mobileBlock) residual(b *nn.Builder, x *nn.Node) *nn.Node {
	y := m.draw(m, b, x)
	if y.Shape == x.Shape {
		y = b.Add(y, x)
	}
	return y
}

// depthwiseConv returns the depthwise convolution of a block.
func (m mobileBlock) depthwiseConv(channels int) nn.Conv2d {
	return nn.Conv2d{Out: channels, Window: nn.Square(m.window), Stride: nn.Square(m.stride), Groups: channels}
}

// depthwise is a depthwise convolution, a gate and a 1x1 convolution.
func (m mobileBlock) depthwise(b *nn.Builder, x *nn.Node) *nn.Node {
	y := m.normed(b, x, "conv_dw", m.depthwiseConv(x.Shape.C), "bn1", swish)
	y = m.gate(b, y, x.Shape.C)
	return m.normed(b, y, "conv_pw", conv1x1(m.out, 1), "bn2", nil)
}

// inverted is the inverted residual of MobileNetV2 (Sandler et al., arXiv 1801.04381) with
// a gate: it widens the channels by a 1x1 convolution first.
func (m mobileBlock) inverted(b *nn.Builder, x *nn.Node) *nn.Node {
	wide := x.Shape.C * m.widening
	y := m.normed(b, x, "conv_pw", conv1x1(wide, 1), "bn1", swish)
	y = m.normed(b, y, "conv_dw", m.depthwiseConv(wide), "bn2", swish)
	y = m.gate(b, y, x.Shape.C)
	return m.normed(b, y, "conv_pwl", conv1x1(m.out, 1), "bn3", nil)
}

// fused is an inverted residual whose first two convolutions are one.
func (m mobileBlock) fused(b *nn.Builder, x *nn.Node) *nn.Node {
	y := m.normed(b, x, "conv_exp", nn.Conv2d{Out: x.Shape.C * m.widening, Window: nn.Square(m.window), Stride: nn.Square(m.stride)}, "bn1", swish)
	return m.normed(b, y, "conv_pwl", conv1x1(m.out, 1), "bn2", nil)
}

// single is one convolution.
func (m mobileBlock) single(b *nn.Builder, x *nn.Node) *nn.Node {
	return m.normed(b, x, "conv", nn.Conv2d{Out: m.out, Window: nn.Square(m.window), Stride: nn.Square(m.stride)}, "bn1", swish)
}

// gate scales each channel by a gate computed from all channels. Its middle layer has a
// quarter of the channels of the block's input.
func (m mobileBlock) gate(b *nn.Builder, x *nn.Node, in int) *nn.Node {
	if !m.gated {
		return x
	}
	return b.Mul(x, squeeze(b.Scope("se"), x, "conv_reduce", "conv_expand", in/4, swish))
}
