package jpeg

// The inner loops, for tests against their definitions.
var (
	UpsampleH      = upsampleH
	UpsampleV      = upsampleV
	UpsampleHV     = upsampleHV
	YCbCrToRGB     = yCbCrToRGB
	InverseWrapped = inverseWrapped
)

// SafeSum is the sum of magnitudes up to which Inverse does not wrap around.
const SafeSum = safeSum

// Inverse is the inverse DCT that the decoder chooses for a block.
func Inverse(block *[64]int16, dst []byte, stride int) {
	ones := [64]uint16{}
	for i := range ones {
		ones[i] = 1
	}
	var d decoder
	shape := dequantize(&d.block, block, &ones)
	d.inverse(shape, dst, stride)
}
