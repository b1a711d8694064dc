package arch

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// activation decides whether a ReLU follows a batch norm.
type activation bool

const (
	rectified activation = true
	affine    activation = false
)

// normed is a convolution, a batch norm and perhaps a ReLU.
func normed(b *nn.Builder, x *nn.Node, conv string, attrs nn.Conv2d, bn string, a activation) *nn.Node {
	return normedEps(b, x, conv, attrs, bn, nn.BatchNorm2d{}, a)
}

func normedEps(b *nn.Builder, x *nn.Node, conv string, attrs nn.Conv2d, bn string, norm nn.BatchNorm2d, a activation) *nn.Node {
	x = b.BatchNorm(bn, b.Conv(conv, x, attrs), norm)
	if a == rectified {
		x = b.ReLU(x)
	}
	return x
}

// convBlock is pytorchcv's ConvBlock: a convolution "conv", a batch norm "bn" and
// perhaps a ReLU, in the scope name.
func convBlock(b *nn.Builder, name string, x *nn.Node, conv nn.Conv2d, a activation) *nn.Node {
	return normed(b.Scope("%s", name), x, "conv", conv, "bn", a)
}

// square returns a convolution with a square window.
func square(out, window, stride, pad int) nn.Conv2d {
	return nn.Conv2d{Out: out, Window: nn.Square(window), Stride: nn.Square(stride), Pad: nn.Square(pad)}
}

func conv1x1(out, stride int) nn.Conv2d { return square(out, 1, stride, 0) }

func conv3x3(out, stride int) nn.Conv2d { return square(out, 3, stride, 1) }

// grouped returns c with its channels divided into groups.
func grouped(c nn.Conv2d, groups int) nn.Conv2d {
	c.Groups = groups
	return c
}

// separable is a depthwise convolution and a 1x1 convolution, both without bias, in the
// scope name (Chollet, arXiv 1610.02357).
func separable(b *nn.Builder, name string, x *nn.Node, out, window, stride int) *nn.Node {
	s := b.Scope("%s", name)
	x = s.Conv("dw_conv", x, grouped(square(x.Shape.C, window, stride, window/2), x.Shape.C))
	return s.Conv("pw_conv", x, conv1x1(out, 1))
}

// pool3x3 returns a pooling with a 3x3 window.
func pool3x3(stride, pad int) nn.Pool2d {
	return nn.Pool2d{Window: nn.Square(3), Stride: nn.Square(stride), Pad: nn.Square(pad)}
}
