package vision

// Normalization is a mean and a standard deviation of each channel, of pixels
// from 0 to 1. A network reads (pixel/255 - Mean) / Std.
type Normalization struct {
	Name      string
	Mean, Std [3]float32
}

// Normalizations returns the ones that have names.
func Normalizations() []Normalization {
	return []Normalization{
		// ImageNet's statistics, as torchvision and timm have them.
		{"imagenet", [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}},
		// -1 to 1: networks first trained in TensorFlow.
		{"inception", [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}},
		// OpenAI's CLIP.
		{"clip", [3]float32{0.48145466, 0.4578275, 0.40821073}, [3]float32{0.26862954, 0.26130258, 0.27577711}},
		// 0 to 1.
		{"none", [3]float32{}, [3]float32{1, 1, 1}},
	}
}
